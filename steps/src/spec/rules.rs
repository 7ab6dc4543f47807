//! The rules of AWS for single values, as predicates.

/// The most bytes of a boot script, before it is encoded.
pub(crate) const USER_DATA_BYTES_MAX: usize = 16 * 1024;

/// Up to 32 letters, digits and hyphens, with no hyphen at either end: target groups and balancers.
pub(super) fn is_load_balancing_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Security groups: up to 255 characters of a small set, and not a name that looks like an id.
pub(super) fn is_security_group_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b" ._-:/()#,@[]+=&;{}!$*".contains(&byte))
        && name.trim() == name
        && !name.to_ascii_lowercase().starts_with("sg-")
        && !name.eq_ignore_ascii_case("default")
}

/// Launch templates: 3 to 128 characters of a small set.
pub(super) fn is_launch_template_name(name: &str) -> bool {
    (3..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"()./-_".contains(&byte))
}

/// Auto Scaling groups: up to 255 printable characters without a colon.
pub(super) fn is_scaling_group_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// A pattern of paths: it starts at the root, and has at most five wildcards.
pub(super) fn is_path_pattern(path: &str) -> bool {
    (1..=128).contains(&path.len())
        && path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.$/~\"'@:+&*?".contains(&byte))
        && path.bytes().filter(|byte| b"*?".contains(byte)).count() <= 5
}

/// A path of a health check: it starts at the root and has no white space.
pub(super) fn is_health_check_path(path: &str) -> bool {
    (1..=1024).contains(&path.len())
        && path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A status, a list of them or a range, all within 200 to 499.
pub(super) fn is_status_matcher(text: &str) -> bool {
    let status = |text: &str| {
        let number = text.parse::<u16>().ok().filter(|number| (200..=499).contains(number));
        number.filter(|_| text.len() == 3)
    };
    match text.split_once('-') {
        Some((first, last)) => {
            matches!((status(first), status(last)), (Some(first), Some(last)) if first <= last)
        }
        None => text.split(',').all(|part| status(part).is_some()),
    }
}

/// An IPv4 range in the only spelling that AWS keeps: no bit set behind the prefix.
pub(super) fn is_ipv4_range(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let plain =
        !length.is_empty() && length.len() <= 2 && length.bytes().all(|b| b.is_ascii_digit());
    let (Ok(address), Ok(length)) = (address.parse::<std::net::Ipv4Addr>(), length.parse::<u32>())
    else {
        return false;
    };
    let behind = u32::MAX.checked_shr(length).unwrap_or(0);
    plain && length <= 32 && address.to_bits() & behind == 0
}

/// An id as EC2 gives them: a prefix and 8 or 17 hexadecimal digits.
pub(super) fn is_resource_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| {
        (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A zone: the name of a region and one letter, such as `us-east-1a`; local zones have more behind it.
pub(super) fn is_zone(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(plain)
        && text.len() >= 4
        && text.bytes().last().is_some_and(|byte| byte.is_ascii_lowercase())
}

/// A type of instances: a family and a size.
pub(super) fn is_instance_type(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.split_once('.').is_some_and(|(family, size)| plain(family) && plain(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(rule(text), "{text:?} should be accepted");
        }
        for text in bad {
            assert!(!rule(text), "{text:?} should be refused");
        }
    }

    #[test]
    fn names_follow_the_rules_of_their_kind() {
        let (long, longer) = ("a".repeat(32), "a".repeat(33));
        check(
            is_load_balancing_name,
            &["target-group-1", &long],
            &["", &longer, "-a", "a-", "a_b"],
        );
        check(
            is_security_group_name,
            &["lab1 (x)"],
            &["", "sg-1", "SG-1", "Default", " a", "a\u{e9}"],
        );
        check(is_launch_template_name, &["a.b/c", "(x)"], &["ab", "a b", &"a".repeat(129)]);
        check(is_scaling_group_name, &["group1", "a/b"], &["", "a b", "a:b", &"a".repeat(256)]);
    }

    #[test]
    fn paths_follow_the_rules_of_their_kind() {
        check(
            is_path_pattern,
            &["/cluster1", "/a*/?"],
            &["", "cluster1", "/a b", "/a,b", "/******", &format!("/{}", "a".repeat(128))],
        );
        check(is_health_check_path, &["/", "/health?x=1"], &["", "health", "/a b"]);
    }

    #[test]
    fn status_matchers_are_a_status_a_list_or_a_range() {
        check(
            is_status_matcher,
            &["200", "200,204", "200-299", "499"],
            &["", "199", "500", "200,", "299-200", "0200", "200-", "+20"],
        );
    }

    #[test]
    fn ranges_of_addresses_have_no_bit_behind_the_prefix() {
        check(
            is_ipv4_range,
            &["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32"],
            &["0.0.0.0", "10.0.0.1/8", "1.2.3.4/33", "1.2.3/8", "::/0", "1.2.3.4/+8", "1.2.3.4/"],
        );
    }

    #[test]
    fn ids_zones_and_types_look_like_those_of_ec2() {
        let ami = |text: &str| is_resource_id(text, "ami");
        check(
            ami,
            &["ami-08c40ec9ead489470", "ami-12345678"],
            &["ami-", "ami-xyz", "x", "ami-1234567"],
        );
        check(is_zone, &["us-east-1a", "us-west-2-lax-1a"], &["us-east-1", "", "US-EAST-1A"]);
        check(
            is_instance_type,
            &["m4.large", "u-6tb1.metal"],
            &["m4", "m4.", ".large", "m4 .large"],
        );
    }
}

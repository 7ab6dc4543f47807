use super::*;

const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <DescribeSecurityGroupsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
    <requestId>r-1</requestId><securityGroupInfo><item><groupId>sg-1</groupId>\
    <groupDescription>gr\u{fc}\u{df} &amp; <![CDATA[<b>]]></groupDescription></item></securityGroupInfo>\
    </DescribeSecurityGroupsResponse>";

const DELETED: &str = "<DeleteAutoScalingGroupResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
    <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DeleteAutoScalingGroupResponse>";

const REFUSED: &str = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidGroup.NotFound</Code>\
    <Message>m</Message></Error></Errors><RequestID>r-1</RequestID></Response>";

const REFUSED_ELSEWHERE: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>LoadBalancerNotFound</Code></Error>\
    <RequestId>r-1</RequestId></ErrorResponse>";

const GROUPS: &str = "DescribeSecurityGroups";

#[test]
fn a_whole_answer_is_the_services() {
    for (action, status, body) in [
        (GROUPS, 200, LIST.to_owned()),
        (GROUPS, 200, format!("{LIST}\n <!-- served by a cache -->\n")),
        ("DeleteAutoScalingGroup", 200, DELETED.to_owned()),
        (GROUPS, 400, REFUSED.to_owned()),
        ("DescribeLoadBalancers", 400, REFUSED_ELSEWHERE.to_owned()),
        (GROUPS, 503, REFUSED.to_owned()),
    ] {
        assert_eq!(kind(action, status, body.as_bytes()), Ok(Kind::OfTheService), "{body}");
    }
}

#[test]
fn an_answer_that_is_cut_at_any_byte_is_not_whole() {
    for (action, status, body) in [
        (GROUPS, 200, LIST),
        ("DeleteAutoScalingGroup", 200, DELETED),
        (GROUPS, 400, REFUSED),
        ("DescribeLoadBalancers", 503, REFUSED_ELSEWHERE),
    ] {
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            // Nothing at all is what a proxy refuses with: there its status counts.
            let is_page = status != 200 && end == 0;
            let found = kind(action, status, cut);
            assert_eq!(found, if is_page { Ok(Kind::OfAnother) } else { found.clone() }, "{end}");
            assert_eq!(found.is_err(), !is_page, "{}", String::from_utf8_lossy(cut));
        }
    }
}

#[test]
fn what_is_no_answer_to_this_call_is_no_success() {
    let twice = format!("{DELETED}{DELETED}");
    let with_tail = format!("{DELETED}HTTP/1.1 200 OK");
    let with_entity = format!("{DELETED}&amp;");
    let declared_twice = format!("<?xml version=\"1.0\"?>{DELETED}<?xml version=\"1.0\"?>");
    for body in [
        "",
        " \n",
        "<?xml version=\"1.0\"?>",
        "<html><body>Please log in.</body></html>",
        "<!DOCTYPE html><html><body>Please log in.</body></html>",
        "{\"__type\": \"AccessDenied\"}",
        "{}",
        "OK",
        "<DeleteAutoScalingGroupResponse/>",
        "<DeleteAutoScalingGroupResponse></DeleteAutoScalingGroupResponse>",
        "<DeleteAutoScalingGroupResponse><a></b></DeleteAutoScalingGroupResponse>",
        "<deleteAutoScalingGroupResponse><a/></deleteAutoScalingGroupResponse>",
        LIST,
        REFUSED,
        REFUSED_ELSEWHERE,
        &twice,
        &with_tail,
        &with_entity,
        &declared_twice,
    ] {
        assert!(kind("DeleteAutoScalingGroup", 200, body.as_bytes()).is_err(), "{body}");
    }
    let compressed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xb3\x49\x2d\x2e";
    assert!(kind("DeleteAutoScalingGroup", 200, compressed).is_err());
}

#[test]
fn a_refusal_with_the_answer_to_something_is_no_refusal() {
    for body in [LIST, "<DescribeSecurityGroupsResponse>", "<?xml version=\"1.0\"?> <Resp"] {
        assert!(kind(GROUPS, 400, body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_page_of_somebody_on_the_way_is_known_by_its_status_alone() {
    for body in [
        "",
        "a proxy's page",
        "<html><body>Forbidden",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\"><html></html>",
        "<Responses>",
        "{\"message\": \"Forbidden\"}",
    ] {
        assert_eq!(kind(GROUPS, 403, body.as_bytes()), Ok(Kind::OfAnother), "{body}");
    }
}

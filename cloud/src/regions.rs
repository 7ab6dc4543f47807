//! The regions that there are.

/// The regions of the commercial partition: partition `aws` in `endpoints.json` of botocore 1.44.5.
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Tells whether AWS has a region of this name.
pub(crate) fn exists(name: &str) -> bool {
    REGIONS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_regions_are_found_and_others_are_not() {
        assert!(REGIONS.is_sorted());
        assert!(REGIONS.iter().all(|region| exists(region)));
        for other in ["mars-north-9", "us-east-9", "us-east-1a", "cn-north-1", ""] {
            assert!(!exists(other), "{other}");
        }
    }
}

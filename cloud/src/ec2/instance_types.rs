//! Instance types: a small catalogue, and in which zones each is offered.

use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// One instance type.
#[derive(Debug)]
pub(crate) struct InstanceType {
    pub(crate) name: &'static str,
    pub(crate) vcpus: u32,
    memory_mib: u32,
    network: &'static str,
    hypervisor: &'static str,
    free_tier: bool,
    /// Letters of the zones that do not have it.
    absent_zones: &'static str,
}

/// The catalogue, by name. The old families are missing from zone e, as often reported.
const CATALOGUE: &[InstanceType] = &[
    kind("c5.large", 2, 4096, "Up to 10 Gigabit", "nitro", ""),
    kind("m4.large", 2, 8192, "Moderate", "xen", "e"),
    kind("m4.xlarge", 4, 16384, "High", "xen", "e"),
    kind("m5.large", 2, 8192, "Up to 10 Gigabit", "nitro", ""),
    kind("m5.xlarge", 4, 16384, "Up to 10 Gigabit", "nitro", ""),
    kind("t2.large", 2, 8192, "Low to Moderate", "xen", "e"),
    kind("t2.medium", 2, 4096, "Low to Moderate", "xen", "e"),
    InstanceType { free_tier: true, ..kind("t2.micro", 1, 1024, "Low to Moderate", "xen", "e") },
    kind("t2.nano", 1, 512, "Low to Moderate", "xen", "e"),
    kind("t2.small", 1, 2048, "Low to Moderate", "xen", "e"),
    kind("t3.large", 2, 8192, "Up to 5 Gigabit", "nitro", "e"),
    kind("t3.medium", 2, 4096, "Up to 5 Gigabit", "nitro", "e"),
    InstanceType { free_tier: true, ..kind("t3.micro", 2, 1024, "Up to 5 Gigabit", "nitro", "e") },
    kind("t3.small", 2, 2048, "Up to 5 Gigabit", "nitro", "e"),
];

const fn kind(
    name: &'static str,
    vcpus: u32,
    memory_mib: u32,
    network: &'static str,
    hypervisor: &'static str,
    absent_zones: &'static str,
) -> InstanceType {
    InstanceType { name, vcpus, memory_mib, network, hypervisor, free_tier: false, absent_zones }
}

impl InstanceType {
    /// Finds a type in the catalogue.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|kind| kind.name == name)
    }

    /// Tells whether a zone has this type.
    pub(crate) fn is_offered_in(&self, zone: &str) -> bool {
        !zone.chars().next_back().is_some_and(|letter| self.absent_zones.contains(letter))
    }

    fn is_current(&self) -> bool {
        self.hypervisor == "nitro" || self.name.starts_with("t2")
    }

    fn is_burstable(&self) -> bool {
        self.name.starts_with('t')
    }

    fn write(&self, item: &mut Xml) {
        item.text("instanceType", self.name)
            .text("currentGeneration", self.is_current())
            .text("freeTierEligible", self.free_tier)
            .text("bareMetal", false)
            .text("hypervisor", self.hypervisor)
            .text("burstablePerformanceSupported", self.is_burstable())
            .text("instanceStorageSupported", false)
            .element("processorInfo", |processor| {
                processor.element("supportedArchitectures", |list| {
                    list.text("item", "x86_64");
                });
            })
            .element("vCpuInfo", |vcpu| {
                vcpu.text("defaultVCpus", self.vcpus);
            })
            .element("memoryInfo", |memory| {
                memory.text("sizeInMiB", self.memory_mib);
            })
            .element("networkInfo", |network| {
                network.text("networkPerformance", self.network);
            });
    }
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let _ = cx;
    let names = input.texts("InstanceType");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "instance-type",
        "free-tier-eligible",
        "current-generation",
        "bare-metal",
        "burstable-performance-supported",
        "hypervisor",
        "processor-info.supported-architecture",
        "memory-info.size-in-mib",
        "vcpu-info.default-vcpus",
    ];
    filters.check(input, &known)?;
    input.end()?;
    refuse_unknown_types(&names)?;
    let kinds = CATALOGUE.iter().filter(|kind| {
        (names.is_empty() || names.contains(&kind.name))
            && filters.pass(&Tags::new(), |name| match name {
                "instance-type" => single_value(kind.name),
                "free-tier-eligible" => vec![kind.free_tier.to_string()],
                "current-generation" => vec![kind.is_current().to_string()],
                "bare-metal" => single_value("false"),
                "burstable-performance-supported" => vec![kind.is_burstable().to_string()],
                "processor-info.supported-architecture" => single_value("x86_64"),
                "memory-info.size-in-mib" => vec![kind.memory_mib.to_string()],
                "hypervisor" => single_value(kind.hypervisor),
                _ => vec![kind.vcpus.to_string()],
            })
    });
    let (kinds, next) = page.cut(kinds, |kind| kind.name.to_owned());
    let mut xml = Xml::new();
    xml.items("instanceTypeSet", kinds, |item, kind| kind.write(item));
    xml.optional("nextToken", next);
    Ok(xml)
}

pub(crate) fn describe_offerings(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let location_type = input
        .one_of("LocationType", &["region", "availability-zone", "availability-zone-id"])?
        .unwrap_or("region");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    filters.check(input, &["instance-type", "location"])?;
    input.end()?;
    let mut locations: Vec<(&str, &str)> = match location_type {
        "region" => vec![(&cx.region.name, "")],
        "availability-zone" => {
            cx.region.network.subnets.iter().map(|subnet| (&*subnet.zone, &*subnet.zone)).collect()
        }
        _ => cx.region.network.subnets.iter().map(|s| (&*s.zone_id, &*s.zone)).collect(),
    };
    locations.sort_unstable();
    let offerings = CATALOGUE.iter().flat_map(|kind| {
        let offered = locations.iter().filter(|(_, zone)| kind.is_offered_in(zone));
        offered.map(|(location, _)| (kind.name, *location)).collect::<Vec<_>>()
    });
    let wanted = offerings.filter(|(kind, location)| {
        filters.pass(&Tags::new(), |name| {
            single_value(if name == "instance-type" { kind } else { location })
        })
    });
    let (wanted, next) = page.cut(wanted, |(kind, location)| format!("{kind}/{location}"));
    let mut xml = Xml::new();
    xml.items("instanceTypeOfferingSet", wanted, |item, (kind, location)| {
        item.text("instanceType", kind)
            .text("locationType", location_type)
            .text("location", location);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

fn refuse_unknown_types(names: &[&str]) -> Result<(), Refusal> {
    match names.iter().find(|name| InstanceType::find(name).is_none()) {
        Some(name) => Err(Refusal::new(
            "InvalidInstanceType",
            format!("The following supplied instance types do not exist: [{name}]"),
        )),
        None => Ok(()),
    }
}

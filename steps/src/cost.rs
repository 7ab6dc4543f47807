//! What a stack costs by the hour, by a list of prices that has a date.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::preflight::RootVolume;
use crate::spec::StackSpec;

/// The prices, with their date and where they are from. A region or a type that is not in it is not guessed.
const PRICES: &str = include_str!("../data/prices.json");

/// The addresses of a balancer: one in each of its two zones.
const BALANCER_ADDRESSES: u32 = 2;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    as_of: String,
    source: String,
    currency: String,
    hours_per_month: f64,
    regions: BTreeMap<String, RegionPrices>,
}

/// What things cost in one region: by the hour, but for volumes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionPrices {
    instances: BTreeMap<String, f64>,
    load_balancer: f64,
    capacity_unit: f64,
    volume_gib_month: BTreeMap<String, f64>,
    public_ipv4: f64,
}

/// What a stack costs while it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// The region.
    pub region: String,
    /// The month of the prices.
    pub as_of: String,
    /// Where the prices are from.
    pub source: String,
    /// The currency.
    pub currency: String,
    /// What is paid for.
    pub items: Vec<CostItem>,
    /// The sum of the items by the hour.
    pub per_hour: f64,
    /// The sum of the items by the day.
    pub per_day: f64,
    /// What is paid for and not in the sum.
    pub not_counted: Vec<String>,
}

/// One kind of thing that is paid for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostItem {
    /// What it is.
    pub what: String,
    /// How many there are.
    pub count: u32,
    /// What all of them cost by the hour.
    pub per_hour: f64,
}

impl Cost {
    /// Estimates the cost of a stack at its desired sizes; nothing when the region has no prices.
    pub fn estimate(spec: &StackSpec, region: &str, volume: Option<&RootVolume>) -> Option<Self> {
        let prices = prices()?;
        let here = prices.regions.get(region)?;
        let mut cost = Self {
            region: region.to_owned(),
            as_of: prices.as_of,
            source: prices.source,
            currency: prices.currency,
            items: Vec::new(),
            per_hour: 0.0,
            per_day: 0.0,
            not_counted: Vec::new(),
        };
        let mut by_type: BTreeMap<&str, u32> = BTreeMap::new();
        for group in &spec.groups {
            *by_type.entry(&group.instance_type).or_default() += group.desired;
        }
        let instances: u32 = by_type.values().sum();
        for (kind, count) in by_type {
            cost.add(format!("instance {kind}"), count, here.instances.get(kind).copied());
        }
        cost.add_volumes(here, prices.hours_per_month, instances, volume);
        cost.add("load balancer".to_owned(), 1, Some(here.load_balancer));
        let addresses = instances + BALANCER_ADDRESSES;
        cost.add("public IPv4 address".to_owned(), addresses, Some(here.public_ipv4));
        let unit = here.capacity_unit;
        cost.not_counted
            .push(format!("{unit} an hour for each capacity unit of the balancer in use"));
        cost.not_counted.push("traffic to the internet and between zones, and taxes".to_owned());
        cost.per_hour = cost.items.iter().map(|item| item.per_hour).sum();
        cost.per_day = 24.0 * cost.per_hour;
        Some(cost)
    }

    fn add(&mut self, what: String, count: u32, price: Option<f64>) {
        match price {
            Some(price) => {
                self.items.push(CostItem { what, count, per_hour: price * f64::from(count) });
            }
            None => self.not_counted.push(format!("{count} x {what}: its price is not known here")),
        }
    }

    fn add_volumes(
        &mut self,
        here: &RegionPrices,
        hours_per_month: f64,
        count: u32,
        volume: Option<&RootVolume>,
    ) {
        let Some(volume) = volume else {
            self.not_counted.push("volumes: their size is not known".to_owned());
            return;
        };
        let RootVolume { gib, kind } = volume;
        let price = here.volume_gib_month.get(kind);
        let price = price.map(|price| price * f64::from(*gib) / hours_per_month);
        self.add(format!("volume {kind} of {gib} GiB"), count, price);
    }
}

/// Reads the list; a test reads it, too.
fn prices() -> Option<Prices> {
    serde_json::from_str(PRICES).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume() -> RootVolume {
        RootVolume { gib: 8, kind: "gp2".to_owned() }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn the_documented_stack_is_priced_item_by_item() {
        let spec = StackSpec::default();
        let cost = Cost::estimate(&spec, "us-east-1", Some(&volume())).unwrap();
        let items: Vec<_> =
            cost.items.iter().map(|item| (item.what.as_str(), item.count)).collect();
        assert_eq!(
            items,
            [
                ("instance m4.large", 5),
                ("instance t2.large", 4),
                ("volume gp2 of 8 GiB", 9),
                ("load balancer", 1),
                ("public IPv4 address", 11),
            ]
        );
        // By hand: 5 x 0.10 + 4 x 0.0928 + 9 x 8 x 0.10 / 730 + 0.0225 + 11 x 0.005.
        near(cost.per_hour, 0.5 + 0.3712 + 7.2 / 730.0 + 0.0225 + 0.055);
        near(cost.per_day, 24.0 * cost.per_hour);
        assert_eq!(cost.not_counted.len(), 2);
    }

    #[test]
    fn what_has_no_price_is_named_and_not_guessed() {
        let spec = StackSpec::default();
        assert_eq!(Cost::estimate(&spec, "mars-north-1", Some(&volume())), None);
        let mut spec = spec;
        spec.groups[0].instance_type = "u-6tb1.metal".to_owned();
        let cost = Cost::estimate(&spec, "us-east-1", None).unwrap();
        let not_counted = cost.not_counted.join("\n");
        assert!(not_counted.contains("5 x instance u-6tb1.metal"), "{not_counted}");
        assert!(not_counted.contains("volumes:"), "{not_counted}");
        assert!(!cost.items.iter().any(|item| item.what.contains("metal")));
    }

    #[test]
    fn every_region_of_the_list_prices_the_documented_stack_whole() {
        let prices = prices().unwrap();
        assert_eq!(prices.currency, "USD");
        for region in prices.regions.keys() {
            let cost = Cost::estimate(&StackSpec::default(), region, Some(&volume())).unwrap();
            assert_eq!((cost.items.len(), cost.not_counted.len()), (5, 2), "{region}");
        }
    }
}

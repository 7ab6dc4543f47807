//! When a target changes its health: a closed formula instead of a simulated check every few seconds.
//!
//! Checks come at regular moments. Whether one succeeds depends on spans of time that are known: from
//! when to when the instance answers. So the moment of the next change can be computed, and a target
//! that has been healthy for a month costs nothing.

use crate::durations;
use crate::elb::target_groups::TargetGroup;
use crate::elb::targets::Target;
use crate::options::CloudOptions;
use crate::route_table::TargetState;
use crate::state::Region;

/// All that decides the health of one target from now on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// The state that the target is in, and since when.
    pub(crate) state: TargetState,
    pub(crate) since_ms: i64,
    /// When the first check comes, and how far apart they are.
    pub(crate) first_check_ms: i64,
    pub(crate) interval_ms: i64,
    /// From when to when checks succeed; `None` if never.
    pub(crate) good: Option<(i64, i64)>,
    pub(crate) healthy_threshold: u32,
    pub(crate) unhealthy_threshold: u32,
}

impl Outlook {
    /// Tells when the state changes next, and to what; `None` if it stays while nothing else changes.
    pub(crate) fn next_change(&self) -> Option<(i64, TargetState)> {
        match self.state {
            TargetState::Initial => Some(self.first_change()),
            TargetState::Healthy => {
                let failing_from = match self.good {
                    Some((_, i64::MAX)) => return None,
                    Some((_, until)) => until,
                    None => self.since_ms,
                };
                let at =
                    self.nth_check(failing_from.max(self.since_ms + 1), self.unhealthy_threshold);
                Some((at, TargetState::Unhealthy))
            }
            TargetState::Unhealthy => {
                let (from, until) = self.good?;
                let at = self.nth_check(from.max(self.since_ms + 1), self.healthy_threshold);
                (at < until).then_some((at, TargetState::Healthy))
            }
            TargetState::Unused | TargetState::Draining => None,
        }
    }

    /// The first success makes a new target healthy, whatever its threshold; failures before it may
    /// have made it unhealthy first.
    fn first_change(&self) -> (i64, TargetState) {
        let success = self
            .good
            .map(|(from, until)| (self.nth_check(from, 1), until))
            .filter(|(at, until)| at < until)
            .map(|(at, _)| at);
        let failure = self.nth_check(self.first_check_ms, self.unhealthy_threshold);
        match success {
            Some(at) if at <= failure => (at, TargetState::Healthy),
            _ => (failure, TargetState::Unhealthy),
        }
    }

    /// Gives the moment of the n-th check at or after `from_ms`.
    fn nth_check(&self, from_ms: i64, n: u32) -> i64 {
        let wait_ms = from_ms.saturating_sub(self.first_check_ms).max(0);
        let skipped = wait_ms.saturating_add(self.interval_ms - 1) / self.interval_ms;
        let number = skipped.saturating_add(i64::from(n) - 1);
        self.first_check_ms.saturating_add(number.saturating_mul(self.interval_ms))
    }
}

/// Looks at one target as things stand now. `None` while nobody checks it.
pub(crate) fn outlook(
    region: &Region,
    options: &CloudOptions,
    group: &TargetGroup,
    target: &Target,
) -> Option<Outlook> {
    let user = group.used_by.as_ref()?;
    let balancer = region.load_balancers.live_get(&user.balancer_arn)?;
    let instance = region.instances.get(&target.instance_id)?;
    if target.drained_ms.is_some() || !balancer.has_zone(&instance.zone) {
        return None;
    }
    let check = &group.settings.health_check;
    let interval_ms = i64::from(check.interval_s) * 1000;
    let start_ms = target.registered_ms.max(user.since_ms).max(balancer.active_ms);
    let key = format!("{}/{}", group.arn, target.instance_id);
    let wait = options.durations.fraction(options.seed, "first health check", &key);
    // A change of any rule may have changed what can be reached: a run of results starts again, as it
    // does when the way of checking changes, or when something else was seen of the application.
    let changed_ms = region.rules_changed_ms.max(group.check_changed_ms);
    let changed_ms = changed_ms.max(instance.application.changed_ms());
    let good = instance
        .answering_span()
        .filter(|_| verdict(region, group, target).is_good())
        .map(|(from, until)| (from.max(changed_ms), until));
    Some(Outlook {
        state: target.health,
        since_ms: if good.is_none() { target.since_ms.max(changed_ms) } else { target.since_ms },
        first_check_ms: start_ms + durations::part_of(interval_ms, wait),
        interval_ms,
        good,
        healthy_threshold: check.healthy_threshold,
        unhealthy_threshold: check.unhealthy_threshold,
    })
}

/// What a check of a booted instance finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The status that is asked for.
    Good,
    /// Another status.
    Mismatch(u16),
    /// Nothing listens on that port.
    Refused,
    /// The security groups of the instance drop the packets.
    Dropped,
}

impl Verdict {
    fn is_good(self) -> bool {
        self == Self::Good
    }
}

/// Foretells a check of an instance whose application is up.
pub(crate) fn verdict(region: &Region, group: &TargetGroup, target: &Target) -> Verdict {
    let check = &group.settings.health_check;
    let port = group.check_port(target.port);
    if !is_reachable(region, group, target, port) {
        return Verdict::Dropped;
    }
    let instance = region.instances.get(&target.instance_id);
    let application = instance.map(|it| &it.application).filter(|it| it.port() == Some(port));
    match application.and_then(|it| it.status(&check.path)) {
        Some(status) if check.accepts(status) => Verdict::Good,
        Some(status) => Verdict::Mismatch(status),
        None => Verdict::Refused,
    }
}

/// Tells whether the balancer's packets reach a port of the target's instance.
pub(crate) fn is_reachable(
    region: &Region,
    group: &TargetGroup,
    target: &Target,
    port: u16,
) -> bool {
    let user = group.used_by.as_ref();
    let balancer = user.and_then(|user| region.load_balancers.live_get(&user.balancer_arn));
    let senders = balancer.map_or(&[][..], |balancer| balancer.security_groups.as_slice());
    let worn = region.instances.get(&target.instance_id).map(|it| &it.security_groups);
    worn.into_iter()
        .flatten()
        .filter_map(|id| region.security_groups.live_get(id))
        .any(|group| group.admits_tcp_from_groups(port, senders))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks at 5, 15, 25 ... seconds; two good ones make healthy, two bad ones make unhealthy.
    fn target(state: TargetState, since_s: i64, good_s: Option<(i64, i64)>) -> Outlook {
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        Outlook {
            state,
            since_ms: ms(since_s),
            first_check_ms: 5_000,
            interval_ms: 10_000,
            good: good_s.map(|(from, until)| (ms(from), ms(until))),
            healthy_threshold: 2,
            unhealthy_threshold: 2,
        }
    }

    #[test]
    fn the_first_good_check_makes_a_new_target_healthy() {
        let early = target(TargetState::Initial, 0, Some((7, i64::MAX)));
        assert_eq!(early.next_change(), Some((15_000, TargetState::Healthy)));
    }

    #[test]
    fn a_new_target_that_boots_too_slowly_turns_unhealthy_first() {
        let slow = target(TargetState::Initial, 0, Some((16, i64::MAX)));
        assert_eq!(slow.next_change(), Some((15_000, TargetState::Unhealthy)));
        let never = target(TargetState::Initial, 0, None);
        assert_eq!(never.next_change(), Some((15_000, TargetState::Unhealthy)));
    }

    #[test]
    fn an_unhealthy_target_needs_as_many_good_checks_as_its_threshold_says() {
        let unhealthy = target(TargetState::Unhealthy, 15, Some((16, i64::MAX)));
        assert_eq!(unhealthy.next_change(), Some((35_000, TargetState::Healthy)));
        assert_eq!(target(TargetState::Unhealthy, 15, None).next_change(), None);
        let brief = target(TargetState::Unhealthy, 15, Some((16, 30)));
        assert_eq!(brief.next_change(), None, "one good check is not two");
    }

    #[test]
    fn a_healthy_target_stays_so_until_it_stops_to_answer() {
        let stable = target(TargetState::Healthy, 15, Some((7, i64::MAX)));
        assert_eq!(stable.next_change(), None);
        let dying = target(TargetState::Healthy, 15, Some((7, 100)));
        assert_eq!(dying.next_change(), Some((115_000, TargetState::Unhealthy)));
        let cut_off = target(TargetState::Healthy, 60, None);
        assert_eq!(cut_off.next_change(), Some((75_000, TargetState::Unhealthy)));
    }
}

use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let mut limiter = Limiter::new(CALL_PACE);
    let now = Duration::from_secs(100);
    let waits = (0..6).map(|_| {
        let wait = limiter.wait(now);
        limiter.take(now);
        wait.as_millis()
    });
    assert_eq!(waits.collect::<Vec<_>>(), [0, 0, 0, 0, 250, 500]);
    assert_eq!(limiter.wait(now + 750 * MS), Duration::ZERO);
}

#[test]
fn a_refused_limiter_is_empty_and_half_as_fast() {
    let mut limiter = Limiter::new(CALL_PACE);
    let now = Duration::from_secs(100);
    limiter.refused(now);
    assert_eq!(limiter.wait(now), 500 * MS);
    limiter.take(now + 500 * MS);
    assert_eq!(limiter.wait(now), 1_000 * MS);
}

#[test]
fn a_refusal_of_a_call_that_was_under_way_is_no_news() {
    let mut limiter = Limiter::new(CALL_PACE);
    let now = Duration::from_secs(100);
    limiter.refused(now);
    (0..9).for_each(|_| limiter.refused(now + 10 * MS));
    assert_eq!(limiter.wait(now), 500 * MS);
}

#[test]
fn rates_stay_within_their_bounds_however_long_it_goes_on() {
    let mut limiter = Limiter::new(CALL_PACE);
    (1..100).for_each(|minute| limiter.refused(Duration::from_mins(minute)));
    assert!(limiter.rate >= CALL_PACE.rate_min);
    (0..100_000).for_each(|_| limiter.answered());
    assert!(limiter.rate <= CALL_PACE.rate_max);
}

/// Refuses at 100 s, answers so often, and refuses again when so much time is over.
fn measured(answers: u32, span: Duration) -> Limiter {
    let mut limiter = Limiter::new(CALL_PACE);
    let now = Duration::from_secs(100);
    limiter.refused(now);
    (0..answers).for_each(|_| limiter.answered());
    limiter.refused(now + span);
    limiter
}

#[test]
fn the_rate_is_what_was_answered_between_two_refusals_and_a_little_less() {
    for (answers, seconds, rate) in [
        // Half of the first rate is 2; what is measured is taken with its margin.
        (15, 10, 1.5 * MARGIN),
        (2, 1, 2.0 * MARGIN),
        // A bucket that stood full for a while shows less than its refill.
        (2, 100, 1.0 * MARGIN),
        // One answer says nothing: the rate is halved again.
        (1, 10, 1.0),
        (0, 10, 1.0),
    ] {
        let limiter = measured(answers, Duration::from_secs(seconds));
        let off = (limiter.rate - rate).abs() / rate;
        assert!(off < 0.02, "{answers} in {seconds} s: {} instead of {rate}", limiter.rate);
    }
}

#[test]
fn a_rate_that_was_measured_grows_by_the_row_and_the_doubt() {
    // Six answers are a poor measurement: each call adds (1 + 5 / 6) thousandths, and more in a long row.
    let mut limiter = measured(6, Duration::from_secs(4));
    let rate = limiter.rate;
    limiter.answered();
    let doubt = 1.0 + PROBE_DOUBT / 6.0;
    let first = limiter.rate / rate - 1.0;
    assert!((first / (PROBE * doubt) - 1.0).abs() < 0.01, "{first}");
    (1..31).for_each(|_| limiter.answered());
    let rate = limiter.rate;
    limiter.answered();
    let last = limiter.rate / rate - 1.0;
    assert!((last / (2.0 * PROBE * doubt) - 1.0).abs() < 0.01, "after a row of 32: {last}");
}

#[test]
fn before_the_first_refusal_each_answer_adds_a_part_of_the_first_rate() {
    let mut limiter = Limiter::new(CALL_PACE);
    (0..10).for_each(|_| limiter.answered());
    assert!((limiter.rate - 6.0).abs() < 1e-9, "{}", limiter.rate);
}

#[test]
fn a_refusal_counts_from_one_interval_after_the_last() {
    // After the first refusal a call is due every 500 ms.
    for (after, rate) in [(499, 2.0), (500, 1.0)] {
        let limiter = measured(0, after * MS);
        assert!((limiter.rate - rate).abs() < 1e-9, "{after} ms: {}", limiter.rate);
    }
}

/// The provider's bucket. Its refill may change on the way.
struct Bucket {
    size: f64,
    refill: f64,
    tokens: f64,
    filled: Duration,
}

impl Bucket {
    fn full(size: f64, refill: f64) -> Self {
        Self { size, refill, tokens: size, filled: Duration::ZERO }
    }

    fn admits(&mut self, now: Duration) -> bool {
        let new = now.saturating_sub(self.filled).as_secs_f64() * self.refill;
        self.tokens = (self.tokens + new).min(self.size);
        self.filled = now;
        let admits = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(admits));
        admits
    }
}

/// What a row of callers who always wait for their turn came to.
#[derive(Debug, Default, Clone, Copy)]
struct Passage {
    seconds: f64,
    refusals: u32,
}

/// Lets so many calls through, asking again for those that were refused.
fn pass(limiter: &mut Limiter, bucket: &mut Bucket, now: &mut Duration, calls: u32) -> Passage {
    let (began, mut passage) = (*now, Passage::default());
    let mut passed = 0;
    while passed < calls {
        *now += limiter.wait(*now);
        limiter.take(*now);
        if bucket.admits(*now) {
            limiter.answered();
            passed += 1;
        } else {
            limiter.refused(*now);
            passage.refusals += 1;
        }
    }
    passage.seconds = now.saturating_sub(began).as_secs_f64();
    passage
}

/// Size, refill and demand: the published buckets, and what a hundred stacks ask of them.
const BUCKETS: [(f64, f64, u32); 4] =
    [(10.0, 0.2, 100), (20.0, 3.0, 700), (50.0, 5.0, 300), (20.0, 1.0, 400)];

#[test]
fn a_bucket_of_unknown_size_is_used_up_with_few_refusals() {
    for (size, refill, calls) in BUCKETS {
        let mut limiter = Limiter::new(CALL_PACE);
        let mut bucket = Bucket::full(size, refill);
        let mut now = Duration::ZERO;
        let passage = pass(&mut limiter, &mut bucket, &mut now, calls);
        let bound = (f64::from(calls) - size) / refill;
        assert!(passage.seconds <= 1.05 * bound, "{size} {refill}: {passage:?}, bound {bound}");
        assert!(passage.refusals <= 8 + calls / 40, "{size} {refill}: {passage:?}");
    }
}

#[test]
fn a_bucket_that_shrinks_is_followed_at_once() {
    let mut limiter = Limiter::new(CALL_PACE);
    let mut bucket = Bucket::full(20.0, 5.0);
    let mut now = Duration::ZERO;
    pass(&mut limiter, &mut bucket, &mut now, 500);
    bucket.refill = 0.5;
    let passage = pass(&mut limiter, &mut bucket, &mut now, 200);
    assert!(passage.refusals <= 12, "{passage:?}");
    assert!(passage.seconds <= 1.05 * 200.0 / 0.5, "{passage:?}");
}

#[test]
fn a_bucket_that_grows_is_found_again() {
    let mut limiter = Limiter::new(CALL_PACE);
    let mut bucket = Bucket::full(20.0, 0.5);
    let mut now = Duration::ZERO;
    pass(&mut limiter, &mut bucket, &mut now, 100);
    bucket.refill = 5.0;
    // A hundred calls at the old pace, and then it is known that more can be had.
    pass(&mut limiter, &mut bucket, &mut now, 150);
    let passage = pass(&mut limiter, &mut bucket, &mut now, 500);
    assert!(passage.seconds <= 1.3 * 500.0 / 5.0, "{passage:?}");
}

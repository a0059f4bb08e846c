//! Judge: from what happened to what becomes of the delivery (REQUIREMENTS R41, R42). Pure.

use std::time::Duration;

use time::OffsetDateTime;

use crate::config::WebhookConfig;
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::domain::retry::{self, Schedule};
use crate::domain::subscription::SuccessPolicy;
use crate::outbound::{Answer, Outcome};

/// How a delivery's answers are judged: the subscription's policy with the instance's where it has none.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Which answers count as delivered.
    pub(crate) success: SuccessPolicy,
    /// The same by status code, which then says all.
    pub(crate) success_codes: Option<Vec<i32>>,
    /// Delays between attempts.
    pub(crate) schedule: Schedule,
    /// Retries after the first attempt.
    pub(crate) max_retries: u32,
}

impl Policy {
    /// The policy of one delivery.
    pub(crate) fn of(
        success: SuccessPolicy,
        success_codes: Option<&[i32]>,
        own_schedule: Option<&[i32]>,
        own_max_retries: Option<u32>,
        webhook: &WebhookConfig,
    ) -> Self {
        let schedule = own_schedule.map_or_else(|| webhook.retry_schedule.clone(), Schedule::from_seconds);
        let of_schedule = u32::try_from(schedule.len()).unwrap_or(u32::MAX);
        let instance = if own_schedule.is_some() { None } else { webhook.max_retries };
        Self {
            success,
            success_codes: success_codes.map(<[i32]>::to_vec),
            max_retries: own_max_retries.or(instance).unwrap_or(of_schedule),
            schedule,
        }
    }

    fn is_success(&self, status: u16) -> bool {
        match (&self.success_codes, status) {
            (Some(codes), _) => codes.contains(&status.into()),
            (None, 200..=299) => true,
            (None, 300..=399) => self.success == SuccessPolicy::Gestiq,
            (None, _) => false,
        }
    }
}

/// What becomes of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Its next status; never pending or sending.
    pub(crate) status: DeliveryStatus,
    /// Time to the next attempt, when it is retrying.
    pub(crate) delay: Option<Duration>,
    /// Why it was not delivered.
    pub(crate) error: Option<(ErrorKind, String)>,
    /// Whether the receiver asked never to be called again.
    pub(crate) suspends: bool,
}

/// Judges attempt `number` (1 is the first). `unit` in 0..1 is the chance that spreads retries.
pub(crate) fn judge(outcome: &Outcome, number: u32, policy: &Policy, now: OffsetDateTime, unit: f64) -> Verdict {
    match outcome {
        Outcome::Answered(answer) => judge_answer(answer, number, policy, now, unit),
        Outcome::NotAnswered(failure) => retry_later(failure.kind, failure.message.clone(), number, policy, None, unit),
    }
}

fn judge_answer(answer: &Answer, number: u32, policy: &Policy, now: OffsetDateTime, unit: f64) -> Verdict {
    let status = answer.status;
    if policy.is_success(status) {
        return delivered();
    }
    let kind = ErrorKind::of_status(status);
    let words = match kind {
        ErrorKind::Redirect => ": redirects are not followed, set the final URL",
        ErrorKind::Gone => " Gone: the subscription is suspended",
        _ => "",
    };
    let message = format!("the receiver answered {status}{words}");
    if !kind.is_worth_a_retry() {
        return Verdict { suspends: kind == ErrorKind::Gone, ..failed(kind, message) };
    }
    let may_wish = matches!(kind, ErrorKind::Throttled | ErrorKind::ServerError);
    let wish = if may_wish { retry::retry_after(&answer.retry_after, now) } else { None };
    retry_later(kind, message, number, policy, wish, unit)
}

const fn delivered() -> Verdict {
    Verdict { status: DeliveryStatus::Delivered, delay: None, error: None, suspends: false }
}

/// Refused for good.
pub(crate) const fn failed(kind: ErrorKind, message: String) -> Verdict {
    Verdict { status: DeliveryStatus::Failed, delay: None, error: Some((kind, message)), suspends: false }
}

/// Another attempt, or the end when the schedule has no more.
pub(crate) fn retry_later(
    kind: ErrorKind,
    message: String,
    number: u32,
    policy: &Policy,
    wish: Option<Duration>,
    unit: f64,
) -> Verdict {
    let delay = retry::next_delay(&policy.schedule, number, policy.max_retries, wish, unit);
    let status = if delay.is_some() { DeliveryStatus::Retrying } else { DeliveryStatus::Abandoned };
    Verdict { status, delay, error: Some((kind, message)), suspends: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Failure;

    fn policy(success: SuccessPolicy) -> Policy {
        Policy { success, success_codes: None, schedule: Schedule::parse("1s,2s,4s").unwrap(), max_retries: 3 }
    }

    fn answer(status: u16, retry_after: &[&str]) -> Outcome {
        Outcome::Answered(Answer {
            status,
            headers: Vec::new(),
            retry_after: retry_after.iter().map(ToString::to_string).collect(),
            body: Vec::new(),
            body_truncated: false,
            body_error: None,
        })
    }

    fn verdict(outcome: &Outcome, number: u32) -> Verdict {
        judge(outcome, number, &policy(SuccessPolicy::Standard), OffsetDateTime::UNIX_EPOCH, 0.0)
    }

    #[test]
    fn every_status_has_its_verdict() {
        use DeliveryStatus::{Delivered, Failed, Retrying};
        for (status, expected, kind) in [
            (200, Delivered, None),
            (204, Delivered, None),
            (299, Delivered, None),
            (301, Retrying, Some(ErrorKind::Redirect)),
            (400, Failed, Some(ErrorKind::ClientError)),
            (401, Failed, Some(ErrorKind::ClientError)),
            (404, Failed, Some(ErrorKind::ClientError)),
            (408, Retrying, Some(ErrorKind::Throttled)),
            (410, Failed, Some(ErrorKind::Gone)),
            (425, Retrying, Some(ErrorKind::Throttled)),
            (429, Retrying, Some(ErrorKind::Throttled)),
            (500, Retrying, Some(ErrorKind::ServerError)),
            (503, Retrying, Some(ErrorKind::ServerError)),
            (600, Retrying, Some(ErrorKind::UnexpectedStatus)),
        ] {
            let verdict = verdict(&answer(status, &[]), 1);
            assert_eq!((verdict.status, verdict.error.map(|e| e.0)), (expected, kind), "{status}");
            assert_eq!(verdict.suspends, status == 410, "{status}");
        }
    }

    #[test]
    fn codes_of_a_subscription_say_all() {
        let policy = Policy { success_codes: Some(vec![202, 302]), ..policy(SuccessPolicy::Standard) };
        let judged = |status| judge(&answer(status, &[]), 1, &policy, OffsetDateTime::UNIX_EPOCH, 0.0).status;
        use DeliveryStatus::{Delivered, Failed, Retrying};
        assert_eq!([202, 302, 200, 301, 404].map(judged), [Delivered, Delivered, Retrying, Retrying, Failed]);
    }

    #[test]
    fn a_redirect_is_delivered_only_by_the_gestiq_policy() {
        let verdict = judge(&answer(302, &[]), 1, &policy(SuccessPolicy::Gestiq), OffsetDateTime::UNIX_EPOCH, 0.0);
        assert_eq!(verdict.status, DeliveryStatus::Delivered);
    }

    #[test]
    fn the_schedule_ends_in_abandoned() {
        let failure =
            Outcome::NotAnswered(Failure { kind: ErrorKind::Timeout, message: "no answer in 10 s".to_owned() });
        let delays: Vec<_> = (1..=4).map(|number| verdict(&failure, number).delay.map(|d| d.as_secs())).collect();
        assert_eq!(delays, [Some(1), Some(2), Some(4), None]);
        assert_eq!(verdict(&failure, 4).status, DeliveryStatus::Abandoned);
    }

    #[test]
    fn retry_after_can_lengthen_a_delay_and_never_shorten_it() {
        assert_eq!(verdict(&answer(429, &["120"]), 1).delay, Some(Duration::from_secs(120)));
        assert_eq!(verdict(&answer(503, &["0"]), 3).delay, Some(Duration::from_secs(4)));
        assert_eq!(verdict(&answer(429, &["1e300"]), 1).delay, Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_subscriptions_own_schedule_sets_its_number_of_retries() {
        let webhook = crate::config::tests::webhook(&["--max-retries", "1"]);
        let own = Policy::of(SuccessPolicy::Standard, None, Some(&[5, 5, 5]), None, &webhook);
        assert_eq!(own.max_retries, 3);
        assert_eq!(Policy::of(SuccessPolicy::Standard, None, None, None, &webhook).max_retries, 1);
        assert_eq!(Policy::of(SuccessPolicy::Standard, None, None, Some(0), &webhook).max_retries, 0);
    }
}

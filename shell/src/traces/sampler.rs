//! Owns: which traces are kept (`OTEL_TRACES_SAMPLER`, OpenTelemetry's specification of the SDK, "Sampling").

use super::context::{TraceContext, TraceId};

/// Which of the traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampler {
    /// Whether a trace that was begun before us is kept where its beginner keeps it.
    pub(super) follows_parent: bool,
    pub(super) own: Own,
}

/// The choice where no one else has chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Own {
    Always,
    Never,
    /// Traces whose number is below this: the same ones in every program with the same ratio.
    Below(u64),
}

/// The numbers of traces that are told apart.
const NUMBERS: u64 = 1 << 56;

impl Own {
    /// As many as `ratio`, from 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 2^56 needs no more precision, and a ratio is in range"
    )]
    pub(super) fn share(ratio: f64) -> Self {
        Self::Below((ratio.clamp(0.0, 1.0) * NUMBERS as f64) as u64)
    }
}

impl Sampler {
    /// Whether the trace is kept, which `parent` has begun, if anybody.
    pub(super) fn keeps(self, trace: TraceId, parent: Option<&TraceContext>) -> bool {
        if let Some(parent) = parent.filter(|_| self.follows_parent) {
            return parent.sampled;
        }
        match self.own {
            Own::Always => true,
            Own::Never => false,
            // The last 56 bits, which W3C Trace Context level 2 wants to be random.
            Own::Below(limit) => trace.0 % u128::from(NUMBERS) < u128::from(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, SystemRandom};

    fn kept(own: Own) -> usize {
        let sampler = Sampler { follows_parent: true, own };
        let random: &dyn Random = &SystemRandom;
        let trace = || TraceId(u128::from_be_bytes(random.bytes()));
        (0..4_000).filter(|_| sampler.keeps(trace(), None)).count()
    }

    #[test]
    fn a_ratio_is_kept_to() {
        assert_eq!((kept(Own::share(0.0)), kept(Own::share(1.0))), (0, 4_000));
        assert_eq!((kept(Own::Never), kept(Own::Always)), (0, 4_000));
        assert!((800..1_200).contains(&kept(Own::share(0.25))), "{}", kept(Own::share(0.25)));
    }

    #[test]
    fn whoever_began_a_trace_has_chosen() {
        let trace = TraceId(u128::MAX);
        for sampled in [true, false] {
            let parent = TraceContext { trace, span: 1, sampled };
            for own in [Own::Always, Own::Never] {
                let follows = Sampler { follows_parent: true, own };
                assert_eq!(follows.keeps(trace, Some(&parent)), sampled);
                let alone = Sampler { follows_parent: false, own };
                assert_eq!(alone.keeps(trace, Some(&parent)), own == Own::Always);
            }
        }
    }
}

//! Owns: what a few rounds of a noisy measurement come to: the median, and how far they lie apart.

/// Median, least and greatest of some values.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Half lie below.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of `values`; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }

    /// `median (min to max)` with so many decimals.
    pub fn show(self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$} to {:.decimals$})", self.median, self.min, self.max)
    }
}

/// A number as JSON, without decimals that mean nothing.
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let even = Spread { median: 2.5, min: 1.0, max: 4.0 };
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap(), even);
        assert_eq!(
            Spread::of([9.0, 1.0, 2.0]).unwrap(),
            Spread { median: 2.0, min: 1.0, max: 9.0 }
        );
        assert_eq!(Spread::of([]), None);
    }
}

//! Figures: what scenarios hand over, and what becomes of them over the rounds.

use super::percentiles::Spread;

/// One figure of one round.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    /// Its place in the JSON, with dots.
    pub(super) key: String,
    /// For people, with its unit.
    pub(super) label: String,
    /// Digits behind the point, for people.
    pub(super) digits: usize,
    /// Whether the highest of all rounds is what counts, and not their median.
    pub(super) is_highest: bool,
    pub(super) value: f64,
}

impl Figure {
    /// A figure whose median counts.
    pub(super) fn new(key: impl Into<String>, label: impl Into<String>, digits: usize, value: f64) -> Self {
        Self { key: key.into(), label: label.into(), digits, is_highest: false, value }
    }

    /// A figure whose highest value counts, such as the longest of all delays.
    pub(super) fn highest(key: impl Into<String>, label: impl Into<String>, digits: usize, value: f64) -> Self {
        Self { is_highest: true, ..Self::new(key, label, digits, value) }
    }
}

/// One quantity over the rounds.
pub(super) struct Series {
    /// The first round's figure: key, label, digits.
    pub(super) figure: Figure,
    pub(super) values: Vec<f64>,
}

impl Series {
    /// What counts: the median, or the highest.
    pub(super) fn told(&self) -> f64 {
        let spread = self.spread();
        if self.figure.is_highest { spread.max } else { spread.median }
    }

    pub(super) fn spread(&self) -> Spread {
        Spread::of(&self.values)
    }
}

/// All quantities, in the order they first came.
#[derive(Default)]
pub(super) struct Quantities(pub(super) Vec<Series>);

impl Quantities {
    pub(super) fn add(&mut self, figure: Figure) {
        match self.0.iter_mut().find(|series| series.figure.key == figure.key) {
            Some(series) => series.values.push(figure.value),
            None => self.0.push(Series { values: vec![figure.value], figure }),
        }
    }
}

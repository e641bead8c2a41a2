//! Figures as SVG: the same data give the same text, which any browser shows.
//!
//! [`latency_by_size`] draws what grows with a zone, [`percentiles`] how one size's calls are spread.

use std::fmt;

use plotters::style::RGBColor;

mod latency;
mod percentiles;

pub use latency::latency_by_size;
pub use percentiles::percentiles;

/// Width and height of a plot.
const SIZE: (u32, u32) = (960, 600);

/// The font of all text: whatever the viewer has without serifs.
const FONT: &str = "sans-serif";

/// Size of a title, and of everything else that is written.
const TITLE_SIZE: u32 = 22;
/// Size of everything else that is written.
const TEXT_SIZE: u32 = 15;

/// Colours that people with any colour vision tell apart (Okabe and Ito's), strongest first; then four of Tol's, for plots of more.
const COLOURS: [RGBColor; 12] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(128, 128, 128),
    RGBColor(136, 34, 85),
    RGBColor(153, 153, 51),
    RGBColor(170, 68, 153),
    RGBColor(17, 119, 51),
];

/// One line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is called in the legend.
    pub label: String,
    /// Its points, by x.
    pub points: Vec<(f64, f64)>,
}

/// The colour of the series at this place.
fn colour(place: usize) -> RGBColor {
    COLOURS[place % COLOURS.len()]
}

/// A number with `k` or `M` for its thousands.
fn short(number: f64) -> String {
    let number = number.round();
    let divided = |unit: f64, letter: &str| format!("{} {letter}", number / unit);
    match number {
        number if number >= 1e6 => divided(1e6, "M"),
        number if number >= 1e3 => divided(1e3, "k"),
        number => number.to_string(),
    }
}

/// Why a plot can't be drawn.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    NoPoints,
    /// The drawing library refused.
    Draw {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl PlotError {
    /// What the drawing library refused.
    fn draw(source: impl std::error::Error + Send + Sync + 'static) -> PlotError {
        PlotError::Draw { source: Box::new(source) }
    }
}

impl std::error::Error for PlotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PlotError::NoPoints => None,
            PlotError::Draw { source } => Some(&**source),
        }
    }
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlotError::NoPoints => {
                write!(f, "drawing a plot: expected a point or more with x and y above 0, found none")
            }
            PlotError::Draw { .. } => write!(f, "drawing a plot"),
        }
    }
}

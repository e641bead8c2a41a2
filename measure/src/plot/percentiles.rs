//! How calls are spread: nanoseconds against the percentile, the rare ones drawn as wide as the common ones.

use plotters::prelude::*;

use super::{FONT, PlotError, SIZE, TEXT_SIZE, TITLE_SIZE, colour, short};
use crate::measurement::Measurement;

/// Digits of nines at the left end of the axis: half of the calls.
const NINES_MIN: f64 = std::f64::consts::LOG10_2;

/// Digits of nines at the right end: 99.99 %.
const NINES_MAX: f64 = 4.0;

/// Points a line is made of.
const POINTS: u32 = 160;

/// How far the vertical axis goes on above the lines, as a factor: the legend stands there.
const HEADROOM: f64 = 8.0;

/// Draws nanoseconds of an operation at each percentile, both axes logarithmic: from the middle to the rarest of 10,000 calls.
pub fn percentiles<'m>(
    title: &str,
    measurements: impl IntoIterator<Item = &'m Measurement>,
) -> Result<String, PlotError> {
    let measurements: Vec<&Measurement> = measurements.into_iter().collect();
    let lines: Vec<Vec<(f64, f64)>> = measurements.iter().map(|measurement| line(measurement)).collect();
    let values = || lines.iter().flatten().map(|point| point.1);
    let lowest = values().reduce(f64::min).ok_or(PlotError::NoPoints)?;
    let highest = values().fold(lowest, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(PlotError::draw)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, (FONT, TITLE_SIZE))
            .margin(16)
            .margin_right(32)
            .x_label_area_size(52)
            .y_label_area_size(72)
            .build_cartesian_2d(NINES_MIN..NINES_MAX, (lowest / 1.25..highest * HEADROOM).log_scale())
            .map_err(PlotError::draw)?;
        chart
            .configure_mesh()
            .x_desc("per cent of the calls (logarithmic from above)")
            .y_desc("nanoseconds a lookup (logarithmic)")
            .x_labels(5)
            .x_label_formatter(&|nines| percent(*nines))
            .y_label_formatter(&|nanoseconds| short(*nanoseconds))
            .label_style((FONT, TEXT_SIZE))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(PlotError::draw)?;
        for (place, (measurement, line)) in measurements.iter().zip(&lines).enumerate() {
            let colour = colour(place);
            let drawn = chart
                .draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))
                .map_err(PlotError::draw)?;
            drawn
                .label(measurement.name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], colour.stroke_width(3)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .legend_area_size(32)
            .label_font((FONT, TEXT_SIZE))
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()
            .map_err(PlotError::draw)?;
        area.present().map_err(PlotError::draw)?;
    }
    Ok(svg)
}

/// The points of one measurement; none when nothing was measured.
fn line(measurement: &Measurement) -> Vec<(f64, f64)> {
    if measurement.histogram.is_empty() {
        return Vec::new();
    }
    let nines = |point: u32| NINES_MIN + f64::from(point) * (NINES_MAX - NINES_MIN) / f64::from(POINTS);
    // A logarithmic axis has no place for 0, which is less than the clock can tell anyway.
    let point = |nines: f64| (nines, measurement.percentile(100.0 - 100.0 / 10_f64.powf(nines)).max(0.1));
    (0..=POINTS).map(nines).map(point).collect()
}

/// The percentile of a place on the axis: 90, 99, 99.9.
fn percent(nines: f64) -> String {
    let percent = 100.0 - 100.0 / 10_f64.powf(nines);
    let digits = (nines.round() as usize).saturating_sub(2);
    format!("{percent:.digits$}")
}

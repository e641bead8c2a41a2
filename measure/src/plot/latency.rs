//! Latency against size: one line a subject, sizes on a logarithmic axis.

use plotters::prelude::*;

use super::{FONT, PlotError, SIZE, Series, TEXT_SIZE, TITLE_SIZE, colour, short};

/// Draws nanoseconds of an operation against the number of names: each point is (names, nanoseconds).
pub fn latency_by_size(title: &str, series: &[Series]) -> Result<String, PlotError> {
    let points = || series.iter().flat_map(|series| &series.points).filter(|(x, y)| *x > 0.0 && *y >= 0.0);
    let smallest = points().map(|point| point.0).reduce(f64::min).ok_or(PlotError::NoPoints)?;
    let largest = points().map(|point| point.0).fold(smallest, f64::max);
    let highest = points().map(|point| point.1).fold(1.0, f64::max);
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
            .build_cartesian_2d((smallest / 1.25..largest * 1.25).log_scale(), 0.0..highest * 1.1)
            .map_err(PlotError::draw)?;
        chart
            .configure_mesh()
            .x_desc("names (logarithmic)")
            .y_desc("nanoseconds a lookup")
            .x_label_formatter(&|names| short(*names))
            .y_label_formatter(&|nanoseconds| short(*nanoseconds))
            .label_style((FONT, TEXT_SIZE))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(PlotError::draw)?;
        for (place, one) in series.iter().enumerate() {
            let colour = colour(place);
            let line = LineSeries::new(one.points.iter().copied(), colour.stroke_width(2)).point_size(4);
            let drawn = chart.draw_series(line).map_err(PlotError::draw)?;
            drawn
                .label(one.label.as_str())
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

//! A small plot with two logarithmic axes, as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// A named line through points.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What stands around the lines.
#[derive(Debug)]
pub(crate) struct Titles<'a> {
    pub(crate) plot: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// One axis: powers of ten around the values, onto a stretch of the picture.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let high = most.log10().ceil().max(least.log10().floor() + 1.0);
        Self { low: least.log10().floor(), high, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value.log10() - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The powers of ten that it shows.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (mut power, high) = (self.low, self.high);
        std::iter::from_fn(move || {
            let tick = (power <= high).then(|| 10_f64.powf(power));
            power += 1.0;
            tick
        })
    }
}

pub(crate) fn svg(titles: &Titles<'_>, lines: &[Line<'_>]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let x = Axis::around(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let y = Axis::around(points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut out, (LEFT, 22.0), "start", titles.plot);
    text(
        &mut out,
        (x.at(10_f64.powf(f64::midpoint(x.low, x.high))), HEIGHT - 12.0),
        "middle",
        titles.x,
    );
    text(&mut out, (8.0, TOP - 6.0), "start", titles.y);
    for tick in x.ticks() {
        stroke(&mut out, (x.at(tick), y.from), (x.at(tick), y.to));
        text(&mut out, (x.at(tick), y.from + 18.0), "middle", &tick.to_string());
    }
    for tick in y.ticks() {
        stroke(&mut out, (x.from, y.at(tick)), (x.to, y.at(tick)));
        text(&mut out, (x.from - 6.0, y.at(tick) + 4.0), "end", &tick.to_string());
    }
    for line in lines {
        draw(&mut out, &x, &y, line);
    }
    out.push_str("</svg>\n");
    out
}

fn draw(out: &mut String, x: &Axis, y: &Axis, line: &Line<'_>) {
    let colour = line.colour;
    let places: Vec<(f64, f64)> =
        line.points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let path = path.join(" ");
    let _ = writeln!(
        out,
        "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
    for (x, y) in &places {
        let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
    }
    if let Some((x, y)) = places.last() {
        text(out, (x + 8.0, y + 4.0), "start", line.name);
    }
}

fn stroke(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{words}</text>",
        at.0, at.1
    );
}

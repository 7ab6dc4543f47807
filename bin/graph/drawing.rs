//! A graph as SVG. Where things stand is found by `layout-rs`; how they look is ours.

use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::{Graph, Node};
use crate::svg::{Anchor, Svg, text_width};

const MARGIN: f64 = 20.0;
const BOX_HEIGHT: f64 = 44.0;
const HEADING: f64 = 60.0;

/// Draws it under this heading.
pub(crate) fn svg(graph: &Graph, heading: &str) -> String {
    let look = StyleAttr::new(Color::fast("black"), 1, None, 3, 12);
    let mut layout = VisualGraph::new(Orientation::LeftToRight);
    let handles: Vec<_> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let (shape, place) = (ShapeKind::new_box(""), place.to_string());
            let size = Point::new(box_width(node), BOX_HEIGHT);
            let (look, direction) = (look.clone(), Orientation::LeftToRight);
            layout.add_node(Element::create_with_properties(shape, look, direction, size, place))
        })
        .collect();
    for edge in &graph.edges {
        let style = if edge.dashed { LineStyleKind::Dashed } else { LineStyleKind::Normal };
        let (none, arrow) = (LineEndKind::None, LineEndKind::Arrow);
        let arrow = Arrow::new(none, arrow, style, "", &look, &None, &None);
        layout.add_edge(arrow, handles[edge.from], handles[edge.to]);
    }
    let heading_width = (text_width(heading) * 1.3).max(text_width(graph.note));
    let reach = Point::new(heading_width, 0.0);
    let mut canvas = Canvas { graph, boxes: Svg::default(), arrows: Svg::default(), reach };
    layout.do_it(false, false, false, &mut canvas);
    // An arrow that must pass a box passes below it.
    let Canvas { boxes, arrows: mut svg, reach, .. } = canvas;
    svg.put_on_top(&boxes);
    svg.text("title", (MARGIN, 32.0), Anchor::Start, heading);
    svg.text("note", (MARGIN, 52.0), Anchor::Start, graph.note);
    svg.finish((reach.x + 2.0 * MARGIN, reach.y + MARGIN + HEADING), heading)
}

fn box_width(node: &Node) -> f64 {
    text_width(&node.label).max(text_width(&node.second_line())) + 24.0
}

/// Takes what the layout draws. A box brings the number of its node along.
struct Canvas<'a> {
    graph: &'a Graph,
    boxes: Svg,
    arrows: Svg,
    reach: Point,
}

impl Canvas<'_> {
    /// The place on the page, below the heading.
    fn place(&mut self, point: Point) -> (f64, f64) {
        self.reach = Point::new(self.reach.x.max(point.x), self.reach.y.max(point.y));
        (point.x + MARGIN, point.y + HEADING)
    }
}

impl RenderBackend for Canvas<'_> {
    fn draw_rect(
        &mut self,
        xy: Point,
        size: Point,
        _look: &StyleAttr,
        properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        let node = properties.and_then(|place| self.graph.nodes.get(place.parse::<usize>().ok()?));
        let Some(node) = node else { return };
        self.place(xy.add(size));
        let (x, y) = self.place(xy);
        let (told, class) = (node.cluster.as_deref().unwrap_or_default(), node.class());
        self.boxes.rect(&class, (x, y), (size.x, size.y), told);
        let middle = x + size.x / 2.0;
        self.boxes.text("strong", (middle, y + 18.0), Anchor::Middle, &node.label);
        self.boxes.text("note", (middle, y + 34.0), Anchor::Middle, &node.second_line());
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        dashed: bool,
        head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        let [(start, leave), (enter, first), rest @ ..] = path else { return };
        let points = |canvas: &mut Self, points: &[Point]| {
            let points = points.iter().map(|point| canvas.place(*point));
            points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join(" ")
        };
        let (from, curve) = (points(self, &[*start]), points(self, &[*leave, *enter, *first]));
        let smooth =
            rest.iter().map(|(enter, point)| format!("S{}", points(self, &[*enter, *point])));
        let line = format!("M{from}C{curve}{}", smooth.collect::<String>());
        self.arrows.path(if dashed { "edge dashed" } else { "edge" }, &line);
        // An arrow against the order of the layout comes with its head at the start.
        let (control, end) = if head.0 { (*leave, *start) } else { path[path.len() - 1] };
        let tip = tip(control, end).map(|point| points(self, &[point]));
        self.arrows.path("tip", &format!("M{}L{}L{}Z", tip[0], tip[1], tip[2]));
    }

    fn draw_text(&mut self, _xy: Point, _text: &str, _look: &StyleAttr) {}
    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}
    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}
    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

/// The corners of the head of an arrow that comes from `control` and ends at `end`.
fn tip(control: Point, end: Point) -> [Point; 3] {
    let way = end.sub(control);
    let length = way.length().max(0.1);
    let back = end.sub(way.scale(9.0 / length));
    let side = Point::new(-way.y, way.x).scale(4.0 / length);
    [end, back.add(side), back.sub(side)]
}

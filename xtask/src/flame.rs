//! A flame graph as one SVG file, out of the stacks that `perf script` prints: the width of a box is the part of the samples
//! that lie in a function or in what it called.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Width of the picture and height of a box, in pixels.
const WIDTH: f64 = 1600.0;
const ROW: usize = 17;
/// Boxes that are narrower, in pixels, are left out, and so are names in those that hold fewer letters.
const NARROWEST: f64 = 0.3;
const LETTER: f64 = 6.6;
const FEWEST_LETTERS: usize = 3;

/// A function below others, with its samples.
#[derive(Debug, Default)]
struct Frame {
    samples: u64,
    below: BTreeMap<String, Frame>,
}

/// Draws what `perf script --fields comm,ip,sym` prints: the thread's name, its stack from the innermost function on, and an
/// empty line. None where there is no sample.
pub(crate) fn svg(script: &str) -> Option<String> {
    let mut root = Frame::default();
    for block in script.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut stack: Vec<&str> = lines.filter_map(|line| line.trim().split_once(' ')).map(|(_, name)| name).collect();
        stack.push(thread.trim());
        root.add(stack.into_iter().rev());
    }
    if root.samples == 0 {
        return None;
    }
    let height = (root.depth() + 1) * ROW + 4;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    root.draw("all", root.samples, (0.0, 0), &mut out);
    out.push_str("</svg>\n");
    Some(out)
}

impl Frame {
    fn add<'a>(&mut self, mut stack: impl Iterator<Item = &'a str>) {
        self.samples += 1;
        if let Some(name) = stack.next() {
            self.below.entry(name.to_owned()).or_default().add(stack);
        }
    }

    fn depth(&self) -> usize {
        self.below.values().map(|frame| 1 + frame.depth()).max().unwrap_or(0)
    }

    fn draw(&self, name: &str, of: u64, (x, row): (f64, usize), out: &mut String) {
        let width = WIDTH * self.samples as f64 / of as f64;
        if width < NARROWEST {
            return;
        }
        let (y, part) = (row * ROW + 2, 100.0 * self.samples as f64 / of as f64);
        let warm = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let (green, blue) = (90 + warm % 110, warm / 110 % 60);
        let letters = (width / LETTER) as usize;
        let shown: String = name.chars().take(letters).collect();
        let shown = if letters < FEWEST_LETTERS { String::new() } else { escaped(&shown) };
        let _ = writeln!(
            out,
            "<g><title>{}: {part:.2} %</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" \
             fill=\"rgb(240,{green},{blue})\" stroke=\"#fff\" stroke-width=\"0.5\"/><text x=\"{:.1}\" y=\"{}\">{shown}</text></g>",
            escaped(name),
            ROW - 1,
            x + 2.0,
            y + 12,
        );
        let mut left = x;
        for (name, frame) in &self.below {
            frame.draw(name, of, (left, row + 1), out);
            left += WIDTH * frame.samples as f64 / of as f64;
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str =
        "inference \n\t  55d0 mlas<f32>\n\t  55d1 run\n\ninference \n\t  55d1 run\n\navdec:src \n\t  7f00 decode\n\n";

    #[test]
    fn boxes_are_as_wide_as_their_part_of_the_samples() {
        let svg = svg(SCRIPT).unwrap();
        for told in [
            "<title>all: 100.00 %",
            "<title>inference: 66.67 %",
            "<title>run: 66.67 %",
            "<title>mlas&lt;f32&gt;: 33.33 %",
        ] {
            assert!(svg.contains(told), "{told} in {svg}");
        }
        assert_eq!(svg.matches("<rect x=").count(), 6);
        assert!(svg.contains("height=\"72\""), "four rows and a rim: {svg}");
    }

    #[test]
    fn without_samples_there_is_no_picture() {
        assert_eq!(svg("\n\n"), None);
    }
}

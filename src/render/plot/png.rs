//! A picture as pixels, for chats that show no SVG. Its letters come with the program: it needs no font of the machine.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::image::Image;

/// Sharp on a screen with twice as many dots, too.
const SCALE: f32 = 2.0;
/// Nothing that is drawn is so large; a report that somebody edited might be.
const SIDE_MAX: f32 = 16_000.0;
const FAMILY: &str = "DejaVu Sans";

/// Why a picture has no pixels.
#[derive(Debug, thiserror::Error)]
pub enum NoPixels {
    /// Our own drawing cannot be read.
    #[error("the drawing cannot be read: {0}; take svg instead, and tell us")]
    Drawing(#[from] resvg::usvg::Error),
    /// It is larger than a picture should be.
    #[error("it would be {width} by {height} dots large; take svg instead")]
    Size {
        /// Dots across.
        width: f32,
        /// Dots down.
        height: f32,
    },
    /// The pixels cannot be written down.
    #[error("its pixels cannot be written: {0}")]
    Encoding(String),
}

/// Name and content of the file, in the colours of the light theme.
///
/// # Errors
/// When the picture is too large, or cannot be read.
pub fn pixels(image: &Image) -> Result<(String, Vec<u8>), NoPixels> {
    let options = Options { font_family: FAMILY.to_owned(), fontdb: letters(), ..Options::default() };
    let tree = Tree::from_str(&image.flat(), &options)?;
    let (width, height) = (tree.size().width() * SCALE, tree.size().height() * SCALE);
    let too_large = || NoPixels::Size { width, height };
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(too_large());
    }
    let mut pixmap = Pixmap::new(width.ceil() as u32, height.ceil() as u32).ok_or_else(too_large)?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    let bytes = pixmap.encode_png().map_err(|error| NoPixels::Encoding(error.to_string()))?;
    Ok((image.file.replace(".svg", ".png"), bytes))
}

/// The two weights that pictures use.
fn letters() -> Arc<fontdb::Database> {
    let mut letters = fontdb::Database::new();
    letters.load_font_data(include_bytes!("../../../templates/fonts/DejaVuSans.ttf").to_vec());
    letters.load_font_data(include_bytes!("../../../templates/fonts/DejaVuSans-Bold.ttf").to_vec());
    letters.set_sans_serif_family(FAMILY);
    Arc::new(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plot::{self, image};
    use crate::render::sample;

    #[test]
    fn every_picture_of_a_report_has_pixels_with_letters_and_colours() {
        for image in image::of(plot::all(&sample::quick())) {
            let (file, bytes) = pixels(&image).expect("our own drawing");
            assert!(file.ends_with(".png"), "{file}");
            let pixmap = Pixmap::decode_png(&bytes).expect("it is a picture");
            assert_eq!(pixmap.width(), 2 * 1136, "{file}");
            // The title stands at the top left, black on white: letters, where there is a font for them.
            let dark = |x: u32, y: u32| pixmap.pixel(x, y).is_some_and(|dot| dot.red() < 80);
            let inked = (30..500).flat_map(|x| (24..70).map(move |y| (x, y))).filter(|(x, y)| dark(*x, *y)).count();
            assert!(inked > 300, "{file}: {inked} dark dots in its title");
            let white = |x: u32, y: u32| pixmap.pixel(x, y).is_some_and(|dot| dot.red() == 255 && dot.blue() == 255);
            assert!(white(2, 2), "{file}: the page is white");
        }
    }

    #[test]
    fn a_picture_that_is_too_large_is_refused() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9000\" height=\"10\"/>".to_owned();
        assert!(matches!(pixels(&Image { file: "wide.svg".to_owned(), svg }), Err(NoPixels::Size { .. })));
    }
}

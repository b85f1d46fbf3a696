//! Real streams of x264 with and without the filter, and any bytes.

use gst::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::plugin::make;

const SIZE: (usize, usize) = (320, 240);

/// Access units of a picture that moves, by x264 with such settings; the first begins.
fn units(settings: &str) -> Vec<Vec<u8>> {
    crate::init().unwrap();
    let (width, height) = SIZE;
    let launched = gst::parse::launch(&format!(
        "videotestsrc num-buffers=24 pattern=zone-plate kx2=10 ky2=10 kt=2 ! \
         video/x-raw,format=I420,width={width},height={height},framerate=25/1 ! \
         x264enc key-int-max=24 bitrate=400 threads=1 {settings} ! h264parse config-interval=-1 ! \
         video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
    ));
    let pipeline = launched.unwrap().downcast::<gst::Pipeline>().unwrap();
    let out = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut units = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        units.push(sample.buffer().unwrap().map_readable().unwrap().to_vec());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    units
}

/// The luma of each picture that the units show.
fn pictures(units: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (pipeline, source, decoder, sink) =
        (gst::Pipeline::new(), make("appsrc").unwrap(), make("avdec_h264").unwrap(), make("appsink").unwrap());
    source.set_property_from_str("caps", "video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1");
    sink.set_property("sync", false);
    decoder.set_property("output-corrupt", false);
    let parser = make("h264parse").unwrap();
    pipeline.add_many([&source, &parser, &decoder, &sink]).unwrap();
    gst::Element::link_many([&source, &parser, &decoder, &sink]).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let source = source.downcast::<gst_app::AppSrc>().unwrap();
    for unit in units {
        source.push_buffer(gst::Buffer::from_slice(unit.clone())).unwrap();
    }
    source.end_of_stream().unwrap();
    let sink = sink.downcast::<gst_app::AppSink>().unwrap();
    let mut pictures = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        let bytes = sample.buffer().unwrap().map_readable().unwrap();
        pictures.push(bytes[..SIZE.0 * SIZE.1].to_vec());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    pictures
}

/// How alike two pictures are, in decibels.
fn likeness(a: &[u8], b: &[u8]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    10.0 * (255.0_f64.powi(2) / (squares / a.len() as f64).max(1e-9)).log10()
}

#[test]
fn every_picture_is_decoded_and_nearly_the_same_however_its_slices_are_coded() {
    for (settings, is_rewritten) in [
        ("", true),
        ("tune=zerolatency", true),
        ("cabac=false bframes=0", true),
        // Long tables of weights, references in another order, several slices.
        ("bframes=3 option-string=weightp=2:ref=4:slices=3:b-pyramid=normal:open-gop=0", true),
        ("interlaced=true", true),
        // A strength that takes more bits, which moves what is arithmetically coded.
        ("option-string=deblock=-2,3", true),
        ("cabac=false bframes=0 option-string=deblock=-2,3", false),
        ("bframes=0 option-string=no-deblock=1", false),
    ] {
        let units = units(settings);
        let (mut unfilter, mut rewritten) = (Unfilter::default(), 0);
        let plain: Vec<Vec<u8>> = units
            .iter()
            .map(|unit| {
                unfilter.learn(unit);
                let plain = unfilter.unit(unit);
                rewritten += usize::from(plain.as_ref().is_some_and(|plain| plain != unit));
                plain.unwrap_or_else(|| unit.clone())
            })
            .collect();
        // All but the first, which is an IDR picture.
        assert_eq!(rewritten, if is_rewritten { units.len() - 1 } else { 0 }, "{settings}");
        let (filtered, bare) = (pictures(&units), pictures(&plain));
        assert_eq!((filtered.len(), bare.len()), (24, 24), "{settings}");
        let like: Vec<f64> = filtered.iter().zip(&bare).map(|(a, b)| likeness(a, b)).collect();
        assert!(like.iter().all(|&db| db > 24.0), "{settings}: {like:?}");
        assert_eq!(like.iter().any(|&db| db < 80.0), is_rewritten, "{settings}: {like:?}");
    }
}

#[test]
fn short_groups_go_without_the_filter_behind_their_first_picture() {
    let mut groups = Groups::default();
    let mut group = |entry: Entry, pictures: u32| {
        (0..pictures).filter(|n| groups.may_go_without((*n == 0).then_some(entry))).count()
    };
    assert_eq!(group(Entry::Clean, 50), 0, "nothing is known yet");
    assert_eq!(group(Entry::Clean, 50), 49);
    assert_eq!(group(Entry::Clean, 250), 74, "longer than the one before it");
    assert_eq!(group(Entry::Clean, 50), 0, "the next may be as long");
    assert_eq!(group(Entry::Recovery { pictures: 0 }, 50), 49);
    assert_eq!(group(Entry::Recovery { pictures: 30 }, 50), 0, "refreshed by and by");
    assert_eq!(group(Entry::Clean, 50), 0);
    assert_eq!(group(Entry::Clean, 50), 49);
}

proptest! {
    #[test]
    fn any_unit_is_survived(nals in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6)) {
        let unit: Vec<u8> = nals.iter().flat_map(|nal| [&[0, 0, 0, 1], nal.as_slice()].concat()).collect();
        let mut unfilter = Unfilter::default();
        unfilter.learn(&[0, 0, 0, 1, 0x67, 66, 0, 30, 0xF1, 0x0C, 0xC0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80]);
        unfilter.learn(&unit);
        let _ = unfilter.unit(&unit);
    }

    #[test]
    fn what_is_escaped_holds_no_start_code(bytes in prop::collection::vec(0_u8..5, 0..60)) {
        let mut out = Vec::new();
        escape(&bytes, &mut out);
        prop_assert!(!out.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3));
        prop_assert_eq!(unescaped(&out, out.len()), bytes);
    }
}

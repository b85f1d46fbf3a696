//! What the type system does not check of a card.

use std::collections::BTreeSet;

use super::{
    Activation, Answer, Card, CardError, Conversion, DecoderSpec, Dictionary, Dynamic, DynamicAxes, Input, Offer,
    Resize, Task, Thresholds, WeightSource,
};

/// Longest side of an input that is believed, in pixels.
const MAX_SIDE_PX: u32 = 8192;

/// Most of what a card may ask for of anything, so that a mistyped number asks for no impossible memory.
const MAX_COUNT: usize = 1 << 20;

/// A key of the card and what is wrong with its value.
type Fault = (&'static str, String);

impl Card {
    /// Checks what the type system does not.
    pub fn validate(&self) -> Result<(), CardError> {
        let checks = [
            Self::check_files,
            Self::check_input,
            Self::check_decoder,
            Self::check_classes,
            Self::check_thresholds,
            Self::check_calibration,
            Self::check_crop,
            Self::check_answer,
            Self::check_variants,
        ];
        checks.iter().try_for_each(|check| check(self)).map_err(|(key, problem)| CardError::Value {
            card: self.name.clone(),
            key,
            problem,
        })
    }

    fn check_files(&self) -> Result<(), Fault> {
        if self.name.is_empty() || !self.name.chars().all(is_plain_char) {
            return Err(("name", "use letters, digits, `-`, `_` and `.` only".to_owned()));
        }
        check_file_name("weights.file", &self.weights.file)?;
        for (key, hash) in [("weights.sha256", self.weights.sha256.as_deref()), ("source.sha256", self.source.sha256())]
        {
            if hash.is_some_and(|h| h.len() != 64 || !h.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))) {
                return Err((key, "a sha256 is 64 lower-case hexadecimal digits".to_owned()));
            }
        }
        match &self.source {
            WeightSource::Npm { files, .. } if files.is_empty() => {
                return Err(("source.npm.files", "name at least one file".to_owned()));
            }
            WeightSource::Shipped { file } => check_file_name("source.shipped.file", file)?,
            _ => {}
        }
        if let Some(Conversion::TfjsPart { shape, outputs, .. }) = &self.weights.conversion
            && (shape.is_empty() || shape.contains(&0) || outputs.is_empty())
        {
            let problem = "give the input's shape, no side of it 0, and name at least one output".to_owned();
            return Err(("weights.conversion.tfjs-part", problem));
        }
        if self.weights.variant.is_some() && self.weights.conversion != Some(Conversion::TfjsGraph) {
            let problem = "variants are made of files with `conversion = \"tfjs-graph\"` only".to_owned();
            return Err(("weights.variant", problem));
        }
        Ok(())
    }

    fn check_variants(&self) -> Result<(), Fault> {
        if self.task() != Task::Detect && !self.variants.is_empty() {
            return Err(("variants", "only detectors have variants to choose from".to_owned()));
        }
        match self.variants.iter().find_map(Offer::problem) {
            Some(problem) => Err(("variants", problem.to_owned())),
            None => Ok(()),
        }
    }

    fn check_input(&self) -> Result<(), Fault> {
        let Input { width, height, scale, mean, std, resize, dynamic, .. } = &self.input;
        if !(1..=MAX_SIDE_PX).contains(width) || !(1..=MAX_SIDE_PX).contains(height) {
            return Err(("input", format!("{width}x{height} is not within 1 to {MAX_SIDE_PX} pixels a side")));
        }
        if !scale.is_finite() || mean.iter().any(|v| !v.is_finite()) {
            return Err(("input.scale and input.mean", "numbers must be finite".to_owned()));
        }
        if std.iter().any(|v| !v.is_normal()) {
            return Err(("input.std", "numbers must be finite and not zero".to_owned()));
        }
        if let Resize::Letterbox { pad, .. } = resize
            && !(0.0..=255.0).contains(pad)
        {
            return Err(("input.resize.letterbox.pad", format!("{pad} is not between 0 and 255")));
        }
        if let Some(Dynamic { axes, multiple_of, .. }) = dynamic {
            let height_fits = *axes == DynamicAxes::Width || height.is_multiple_of(*multiple_of);
            if *multiple_of == 0 || !width.is_multiple_of(*multiple_of) || !height_fits {
                let problem = format!("{width}x{height} is the most, so its dynamic sides must be multiples of it");
                return Err(("input.dynamic.multiple-of", problem));
            }
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), Fault> {
        let classes = self.classes.to_vec();
        let has_twice = classes.iter().collect::<BTreeSet<_>>().len() != classes.len();
        match self.task() {
            Task::Detect | Task::Classify if classes.is_empty() || has_twice => {
                Err(("classes", "give each class once, and at least one".to_owned()))
            }
            Task::Keypoints | Task::Text if !classes.is_empty() => {
                let problem = format!("a model of the family {} has no classes; leave them out", self.decoder.family());
                Err(("classes", problem))
            }
            _ => Ok(()),
        }
    }

    fn check_thresholds(&self) -> Result<(), Fault> {
        let Thresholds { score, nms_iou, classes } = &self.thresholds;
        if self.task() != Task::Detect {
            let is_given = self.thresholds != Thresholds::default();
            let problem = "only detectors have thresholds; a classifier has an [answer]".to_owned();
            return if is_given { Err(("thresholds", problem)) } else { Ok(()) };
        }
        for score in classes.values().chain([score]) {
            if !(0.0..=1.0).contains(score) {
                return Err(("thresholds.score", format!("{score} is not between 0 and 1")));
            }
            if *score == 0.0 {
                return Err(("thresholds.score", "a detector needs a least score above 0".to_owned()));
            }
        }
        if !(0.0..=1.0).contains(nms_iou) {
            return Err(("thresholds.nms-iou", format!("{nms_iou} is not between 0 and 1")));
        }
        let known = self.classes.to_vec();
        match classes.keys().find(|name| !known.iter().any(|class| class.as_str() == name.as_str())) {
            Some(name) => Err(("thresholds.classes", format!("`{name}` is none of the card's classes"))),
            None => Ok(()),
        }
    }

    fn check_calibration(&self) -> Result<(), Fault> {
        let Some(calibration) = &self.calibration else { return Ok(()) };
        if self.task() != Task::Detect {
            return Err(("calibration", "only detectors have one; a classifier's `temperature` is its own".to_owned()));
        }
        let known = self.classes.to_vec();
        for (name, curve) in calibration.curves() {
            if name != "others" && !known.iter().any(|class| class.as_str() == name) {
                return Err(("calibration.classes", format!("`{name}` is none of the card's classes")));
            }
            if let Some(slope) = curve.slopes().iter().find(|slope| !(slope.is_finite() && **slope > 0.0)) {
                let problem = format!("the slope of {name} comes to {slope}, not above 0: probabilities must rise");
                return Err(("calibration", problem));
            }
            if !(curve.offset.is_finite() && curve.size.is_finite()) {
                return Err(("calibration", format!("offset and size of {name} must be finite numbers")));
            }
        }
        Ok(())
    }

    fn check_crop(&self) -> Result<(), Fault> {
        let Some(crop) = &self.crop else { return Ok(()) };
        if !(0.0..=2.0).contains(&crop.margin) {
            return Err(("crop.margin", format!("{} is not between 0 and 2", crop.margin)));
        }
        if !(1..=MAX_SIDE_PX).contains(&crop.min_side_px) {
            return Err(("crop.min-side-px", format!("{} is not within 1 to {MAX_SIDE_PX}", crop.min_side_px)));
        }
        Ok(())
    }

    fn check_answer(&self) -> Result<(), Fault> {
        let Some(Answer { yes, yes_at_least, no_at_most }) = &self.answer else { return Ok(()) };
        if self.task() != Task::Classify {
            let problem = format!("only classifiers answer; this is a {} model", self.decoder.family());
            return Err(("answer", problem));
        }
        let known = self.classes.to_vec();
        if let Some(name) = yes.iter().find(|name| !known.iter().any(|class| class.as_str() == name.as_str())) {
            return Err(("answer.yes", format!("`{name}` is none of the card's classes")));
        }
        if yes.is_empty() || yes.iter().collect::<BTreeSet<_>>().len() != yes.len() {
            return Err(("answer.yes", "name each class that means yes once, and at least one".to_owned()));
        }
        let is_sound = (0.0..=1.0).contains(no_at_most) && (0.0..=1.0).contains(yes_at_least);
        if !is_sound || no_at_most >= yes_at_least {
            let problem = format!("no-at-most {no_at_most} must lie below yes-at-least {yes_at_least}, both 0 to 1");
            return Err(("answer", problem));
        }
        Ok(())
    }

    fn check_decoder(&self) -> Result<(), Fault> {
        match &self.decoder {
            DecoderSpec::Nanodet { strides, reg_max, class_outputs, box_outputs } => {
                self.check_strides(strides)?;
                check_heads("decoder.nanodet", strides, &[class_outputs, box_outputs])?;
                check_range("decoder.nanodet.reg-max", *reg_max, 256)
            }
            DecoderSpec::Yolox { strides } | DecoderSpec::Yolov8 { strides, .. } => self.check_strides(strides),
            DecoderSpec::Yunet { strides, class_outputs, object_outputs, box_outputs, landmark_outputs } => {
                self.check_strides(strides)?;
                check_heads("decoder.yunet", strides, &[class_outputs, object_outputs, box_outputs, landmark_outputs])
            }
            DecoderSpec::Centerface { stride, .. } => self.check_strides(&[*stride]),
            DecoderSpec::Blazeface { strides, anchors, landmarks, .. } => {
                self.check_strides(strides)?;
                if anchors.len() != strides.len() || anchors.iter().any(|n| !(1..=64).contains(n)) {
                    let problem = format!("give 1 to 64 anchors for each of {} strides", strides.len());
                    return Err(("decoder.blazeface.anchors", problem));
                }
                check_range("decoder.blazeface.landmarks", *landmarks, 64)
            }
            DecoderSpec::Plate { strides, prior_sides, variances, points, .. } => {
                self.check_strides(strides)?;
                let is_sound = |sides: &Vec<f32>| !sides.is_empty() && sides.iter().all(|s| s.is_normal() && *s > 0.0);
                if prior_sides.len() != strides.len() || !prior_sides.iter().all(is_sound) {
                    let problem = format!("give the sides of the priors of each of {} strides", strides.len());
                    return Err(("decoder.plate.prior-sides", problem));
                }
                check_positive("decoder.plate.variances", variances)?;
                check_range("decoder.plate.points", *points, 64)
            }
            DecoderSpec::Ssd { .. } => self.check_ssd(),
            DecoderSpec::Suppressed { .. } => Ok(()),
            DecoderSpec::Queries { labels, activation, background, .. } => {
                self.check_background("decoder.queries.background", *background)?;
                if labels.is_some() && *activation == Activation::Softmax {
                    let problem = "scores of chosen labels cannot be softmaxed; use sigmoid or none".to_owned();
                    return Err(("decoder.queries.activation", problem));
                }
                Ok(())
            }
            DecoderSpec::Movenet { points, .. } => check_names("decoder.movenet.points", points),
            DecoderSpec::Ctc { dictionary, blank, .. } => {
                if *blank >= MAX_COUNT {
                    return Err(("decoder.ctc.blank", format!("{blank} is not below {MAX_COUNT}")));
                }
                match dictionary {
                    Dictionary::List(characters) if *blank > characters.len() => {
                        let problem = format!("{blank} lies beyond the {} characters", characters.len());
                        Err(("decoder.ctc.blank", problem))
                    }
                    Dictionary::List(characters) => check_names("decoder.ctc.dictionary", characters),
                    Dictionary::File(dictionary) => check_file_name("decoder.ctc.dictionary.file", &dictionary.file),
                }
            }
            DecoderSpec::Classifier { temperature, .. } => {
                check_positive("decoder.classifier.temperature", &[*temperature])
            }
        }
    }

    /// Cells must fill the input, whatever sides it has.
    fn check_strides(&self, strides: &[u32]) -> Result<(), Fault> {
        let Input { width, height, dynamic, .. } = self.input;
        let sides = match dynamic {
            None => vec![width, height],
            Some(Dynamic { axes: DynamicAxes::Both, multiple_of, .. }) => vec![multiple_of],
            Some(Dynamic { axes: DynamicAxes::Width, multiple_of, .. }) => vec![multiple_of, height],
        };
        if strides.is_empty() || strides.iter().any(|&s| s == 0 || sides.iter().any(|side| !side.is_multiple_of(s))) {
            let what = if dynamic.is_some() { "multiple-of" } else { "sides" };
            let sides = sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
            return Err(("decoder.strides", format!("each stride must divide the input's {what}, {sides}")));
        }
        Ok(())
    }

    fn check_ssd(&self) -> Result<(), Fault> {
        let DecoderSpec::Ssd { grids, variances, background, .. } = &self.decoder else { return Ok(()) };
        check_positive("decoder.ssd.variances", variances)?;
        let is_sound = |side: &f32| side.is_normal() && *side > 0.0;
        let mut n_priors = 0_usize;
        for grid in grids {
            if grid.anchors.is_empty() || !grid.anchors.as_flattened().iter().all(is_sound) {
                let problem = "each grid needs anchors, all sides of them above 0".to_owned();
                return Err(("decoder.ssd.grids", problem));
            }
            let cells = grid.columns as usize * grid.rows as usize;
            n_priors = n_priors.saturating_add(cells.saturating_mul(grid.anchors.len()));
        }
        if !(1..=MAX_COUNT).contains(&n_priors) {
            return Err(("decoder.ssd.grids", format!("{n_priors} priors are not within 1 to {MAX_COUNT}")));
        }
        self.check_background("decoder.ssd.background", *background)
    }

    /// The background may be one beyond the classes.
    fn check_background(&self, key: &'static str, background: Option<usize>) -> Result<(), Fault> {
        if background.is_some_and(|number| number > self.classes.by_number().len()) {
            return Err((key, "the background's number lies beyond the classes".to_owned()));
        }
        Ok(())
    }
}

fn is_plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn check_file_name(key: &'static str, file: &str) -> Result<(), Fault> {
    if file.is_empty() || file.starts_with('.') || !file.chars().all(is_plain_char) {
        return Err((key, format!("`{file}` is not a plain file name such as `model.onnx`")));
    }
    Ok(())
}

fn check_range(key: &'static str, value: u32, most: u32) -> Result<(), Fault> {
    if (1..=most).contains(&value) { Ok(()) } else { Err((key, format!("{value} is not between 1 and {most}"))) }
}

fn check_positive(key: &'static str, values: &[f32]) -> Result<(), Fault> {
    match values.iter().find(|value| !value.is_normal() || **value < 0.0) {
        Some(value) => Err((key, format!("{value} is not a number above 0"))),
        None => Ok(()),
    }
}

/// Each family of outputs names one for each stride.
fn check_heads(key: &'static str, strides: &[u32], outputs: &[&Vec<String>]) -> Result<(), Fault> {
    if outputs.iter().any(|names| names.len() != strides.len()) {
        return Err((key, format!("name one output of each kind for each of {} strides", strides.len())));
    }
    Ok(())
}

fn check_names(key: &'static str, names: &[String]) -> Result<(), Fault> {
    let is_twice = names.iter().collect::<BTreeSet<_>>().len() != names.len();
    if names.is_empty() || is_twice || names.iter().any(String::is_empty) {
        return Err((key, "give each once, none empty, and at least one".to_owned()));
    }
    Ok(())
}

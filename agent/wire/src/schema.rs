//! The published JSON Schemas.

/// The schema of an [`Event`](crate::Event): `docs/schema/incident-event.schema.json`.
pub const INCIDENT_EVENT: &str = include_str!("../../../docs/schema/incident-event.schema.json");

#[cfg(test)]
mod tests {
    use forewarn_domain::clock::ClockSet;
    use std::time::Duration;

    use forewarn_domain::{
        AnnounceOutcome, Ellipse, EvidenceRef, FailureKind, Fix, Gcj02, Proof, Receipt, Reckoning, Report, SpeakerId,
        Tried,
    };
    use serde_json::Value;

    use crate::Event;
    use crate::samples::{case_report, report, seal_report, source};

    fn schema() -> Value {
        serde_json::from_str(super::INCIDENT_EVENT).unwrap()
    }

    /// The schema behind `$ref`s.
    fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => resolved(root, root.pointer(reference.trim_start_matches('#')).expect(reference)),
            None => schema,
        }
    }

    /// Every object of a value has the required keys of its schema and no key that the schema does not name.
    fn compare(root: &Value, schema: &Value, value: &Value, place: &str) {
        let schema = resolved(root, schema);
        match value {
            Value::Object(map) if schema.get("properties").is_some() => {
                let properties = schema["properties"].as_object().unwrap();
                for key in schema["required"].as_array().unwrap() {
                    assert!(map.contains_key(key.as_str().unwrap()), "{place} lacks {key}");
                }
                for (key, part) in map {
                    let schema = properties.get(key).unwrap_or_else(|| panic!("{place}: {key} is not in the schema"));
                    compare(root, schema, part, &format!("{place}/{key}"));
                }
            }
            Value::Array(list) if schema.get("items").is_some() => {
                for part in list {
                    compare(root, &schema["items"], part, &format!("{place}/*"));
                }
            }
            _ => {}
        }
    }

    #[test]
    fn the_schema_names_every_key_that_is_sent() {
        let seal = seal_report(1, 5).seal;
        let named =
            |seal| Report { evidence: Some(Box::new(EvidenceRef { bundle: "b".to_owned(), seal })), ..report(1, 5) };
        for report in [report(1, 5), seal_report(1, 5), case_report(1), named(None), named(seal)] {
            let event = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
            compare(&schema(), &schema(), &event, "");
        }
    }

    #[test]
    fn a_place_on_earth_is_told_with_its_ellipse() {
        let mut report = report(1, 5);
        let ellipse = Ellipse { major_m: 4.2, minor_m: 2.1, bearing_deg: 30.0 };
        let gcj02 = Some(Gcj02 { lat_deg: 30.248, lon_deg: 120.129 });
        let fix = Fix { lat_deg: 30.25, lon_deg: 120.125, height_m: 3.0, ellipse, gcj02 };
        report.incident.subject.fix = Some(fix);
        let json = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
        compare(&schema(), &schema(), &json, "");
        let told = &json["data"]["incident"]["subject"]["fix"];
        assert_eq!((told["ellipse"]["major_m"].as_f64(), told["gcj02"]["lat_deg"].as_f64()), (Some(4.2), Some(30.248)));
        let line = serde_json::to_value(crate::IncidentLine::new(&report.incident, None)).unwrap();
        let line = &line["subject"]["fix"];
        assert_eq!(line["ellipse_m"], serde_json::json!([4.2, 2.1]));
        assert_eq!((line["lat_deg"].as_f64(), line["gcj02"][1].as_f64()), (Some(30.25), Some(120.129)));
    }

    #[test]
    fn a_clock_that_was_set_is_told_on_the_time_line_of_the_history() {
        let mut report = report(1, 5);
        let plain = Event::from_report(&report, &source());
        let record = &mut report.incident;
        let set = ClockSet { at: record.history[3].at, by_us: -7_200_000_000 };
        record.clock = Reckoning { offset_us: 3_600_000_000, sets: vec![set] };
        let event = Event::from_report(&report, &source());
        let json = serde_json::to_value(&event).unwrap();
        compare(&schema(), &schema(), &json, "");
        assert_eq!(json["data"]["incident"]["clock_set"][0]["by_s"], -7200.0);
        let (incident, was) = (&event.data.incident, &plain.data.incident);
        assert_eq!(incident.clock_set[0].at, incident.history[3].at);
        assert_eq!(incident.history[0].at_us, was.history[0].at_us + 3_600_000_000, "it reads as its clock did");
        assert_eq!(incident.history.last().map(|step| &step.at), Some(&event.time));
        assert_eq!((event.id, event.subject), (plain.id, plain.subject), "the name stays");
    }

    #[test]
    fn every_stage_and_cause_of_a_case_is_in_the_schema() {
        use forewarn_domain::{CaseCause, CaseStage};
        let causes = [
            CaseCause::IncidentEscalated,
            CaseCause::Told,
            CaseCause::LimitPassed,
            CaseCause::HandedOn,
            CaseCause::NobodyLeft,
        ];
        let (schema, told) = (schema(), serde_json::to_value(causes).unwrap());
        assert_eq!(schema["$defs"]["case_stage"]["enum"], serde_json::to_value(CaseStage::ALL).unwrap());
        assert_eq!(schema["$defs"]["case_step"]["properties"]["cause"]["enum"], told);
        let kinds = schema["properties"]["type"]["enum"].as_array().unwrap();
        let mut report = case_report(1);
        for (stage, cause) in CaseStage::ALL
            .map(|stage| (stage, CaseCause::Told))
            .into_iter()
            .chain(causes.map(|cause| (CaseStage::Sent, cause)))
        {
            let step = report.incident.case.as_mut().and_then(|case| case.steps.last_mut()).unwrap();
            (step.stage, step.cause) = (stage, cause);
            let kind = Event::from_report(&report, &source()).kind;
            assert!(kinds.iter().any(|known| *known == kind), "{kind}");
        }
    }

    #[test]
    fn every_proof_of_playback_is_in_the_schema_and_survives_the_wire() {
        let listed = &schema()["$defs"]["transition"]["properties"]["proof"]["enum"];
        let proofs = [Proof::Written, Proof::Sent, Proof::Rendered, Proof::Acknowledged, Proof::Heard];
        assert_eq!(*listed, serde_json::to_value(proofs).unwrap());
        for proof in proofs {
            let mut report = report(1, 3);
            report.incident.history[3].proof = Some(proof);
            let event = Event::from_report(&report, &source());
            let json = serde_json::to_value(&event).unwrap();
            compare(&schema(), &schema(), &json, "");
            assert_eq!(json.pointer("/data/incident/history/3/proof"), Some(&proof.as_str().into()));
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }

    #[test]
    fn speakers_that_were_tried_are_in_the_schema_and_survive_the_wire() {
        let listed = &schema()["$defs"]["tried"]["properties"]["failed"]["enum"];
        assert_eq!(*listed, serde_json::to_value(FailureKind::ALL).unwrap());
        let receipt = Receipt { kind: "http".to_owned(), sent: "GET /play".to_owned(), answer: Some("200".to_owned()) };
        let played = AnnounceOutcome::Played { duration: Duration::from_secs(2), proof: Proof::Sent, receipt };
        let spare = Tried::new(SpeakerId::new("spare").unwrap(), &played, Proof::Sent);
        let horn = Tried::in_vain(SpeakerId::new("horn").unwrap());
        let mut report = report(1, 3);
        report.incident.history[3].tried = vec![horn, spare];
        let event = Event::from_report(&report, &source());
        let json = serde_json::to_value(&event).unwrap();
        compare(&schema(), &schema(), &json, "");
        let told = json.pointer("/data/incident/history/3/tried").unwrap();
        assert_eq!((&told[0]["failed"], &told[1]["receipt"]["answer"]), (&"timed_out".into(), &"200".into()));
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }

    #[test]
    fn the_version_of_the_schema_is_the_one_that_events_name() {
        let id = schema()["$id"].as_str().unwrap().to_owned();
        assert_eq!(format!("{id}#data"), crate::event::DATA_SCHEMA);
    }
}

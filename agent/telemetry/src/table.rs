//! The table of all metrics. Each row: constant, kind, name, unit, labels, meaning.

use crate::{Counter, Gauge, Histogram, Kind, Row};

macro_rules! table {
    ($($group:literal { $($constant:ident: $kind:ident($name:literal, $unit:literal, [$($label:ident),*], $help:literal);)* })*) => {
        $($(
            #[doc = $help]
            pub const $constant: $kind<{ <[&str]>::len(&[$(stringify!($label)),*]) }> =
                $kind::new($name, [$(stringify!($label)),*]);
        )*)*

        /// What is said of each metric, by group.
        pub const GROUPS: &[(&str, &[Row])] = &[$(($group, &[$(Row {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &[$(stringify!($label)),*],
            help: $help,
        },)*]),)*];
    };
}

table! {
    "Streams" {
        FRAMES_IN: Counter("forewarn_frames_in_total", "frames", [camera], "Frames that the decoder gave.");
        FRAMES_DROPPED: Counter("forewarn_frames_dropped_total", "frames", [camera, reason],
            "Frames that were not analysed, by reason.");
        ACCESS_UNITS_IN: Counter("forewarn_access_units_in_total", "pictures", [camera],
            "Encoded pictures that came in.");
        RECONNECTS: Counter("forewarn_reconnects_total", "connections", [camera], "Connections after the first.");
        CONNECT_FAILURES: Counter("forewarn_connect_failures_total", "attempts", [camera],
            "Attempts to connect that failed, and connections that broke.");
        GAPS: Counter("forewarn_gaps_total", "outages", [camera], "Outages that are over.");
        GAP_SECONDS: Gauge("forewarn_gap_seconds", "seconds", [camera], "Length of all outages.");
        PRE_ROLL_BYTES: Gauge("forewarn_pre_roll_bytes", "bytes", [camera], "Encoded video kept for clips.");
        DECODE_QUEUE_DEPTH: Gauge("forewarn_decode_queue_depth", "pictures", [camera],
            "Pictures that wait for a stream's decoder.");
    }
    "Looking" {
        FRAMES_ANALYSED: Counter("forewarn_frames_analysed_total", "frames", [camera],
            "Frames that went through the detector.");
        FRAMES_IN_PART: Counter("forewarn_frames_in_part_total", "frames", [camera],
            "Frames of these that went through in windows, where something had changed or was not sure.");
        FRAMES_GATED: Counter("forewarn_frames_gated_total", "frames", [camera],
            "Frames glanced at and not looked at: still scene, or no budget.");
        TILES_ANALYSED: Counter("forewarn_tiles_analysed_total", "tiles", [camera],
            "Tiles that went through the detector.");
        TILE_AGE_MAX: Gauge("forewarn_tile_age_max_seconds", "seconds", [camera],
            "Time since the tile that has waited longest was looked at.");
        LOOKS: Counter("forewarn_looks_total", "crops", [], "Crops of tracks that were looked at.");
        LOOKS_DROPPED: Counter("forewarn_looks_dropped_total", "crops", [reason],
            "Wanted looks that were not taken, by reason.");
        CLOSER_LOOKS: Counter("forewarn_closer_looks_total", "crops", [picture],
            "Closer looks at cameras with a sub-stream, by the stream that their picture is of: main or sub.");
        CLOSER_SECONDS: Histogram("forewarn_closer_seconds", "seconds", [],
            "Time to take one picture of a main stream for closer looks.");
        INFERENCE_SECONDS: Histogram("forewarn_inference_seconds", "seconds", [],
            "Time of one frame, with its tiles, in the detector.");
        DECISION_LATENCY: Histogram("forewarn_decision_latency_seconds", "seconds", [],
            "Time from a frame's arrival to the decision.");
        FALLS: Counter("forewarn_falls_total", "falls", [camera], "Falls that were seen before a facade.");
        FALLS_DROPPED: Counter("forewarn_falls_dropped_total", "falls", [],
            "Falls given up because the next analysed frame was too long in coming.");
    }
    "Budget" {
        BUDGET: Gauge("forewarn_budget", "cores", [], "Cores for decoding and for the models.");
        BUDGET_USED: Gauge("forewarn_budget_used", "cores", [kind],
            "Cores in use by `decode`, `frames`, `tiles` and `crops`.");
        BUDGET_SHORT: Gauge("forewarn_budget_short", "0 or 1", [],
            "1 while the budget does not suffice for what is wanted.");
        POWER_SHARE: Gauge("forewarn_power_share", "part", [],
            "Part of the rates and of the budget that heat and battery leave, with `[power]`.");
        BOX_WARMEST: Gauge("forewarn_box_warmest_celsius", "degrees Celsius", [],
            "The warmest thermal zone, with `[power]`; NaN where nothing tells.");
        BATTERY_LEFT: Gauge("forewarn_battery_left_percent", "percent", [],
            "What the battery of a drone has left, with `[power]`; NaN where nothing tells.");
        ANALYSIS_RATE_TARGET: Gauge("forewarn_analysis_rate_target", "looks a second", [camera],
            "Looks a second that a stream asks for.");
        ANALYSIS_RATE_PLANNED: Gauge("forewarn_analysis_rate_planned", "looks a second", [camera],
            "Looks a second that it is to get.");
        ANALYSIS_RATE_ACTUAL: Gauge("forewarn_analysis_rate_actual", "looks a second", [camera],
            "Looks a second that it got lately.");
        ANALYSIS_AGE: Gauge("forewarn_analysis_age_seconds", "seconds", [camera],
            "Time since a stream with a picture was looked at.");
        ANALYSIS_AGE_MAX: Gauge("forewarn_analysis_age_max_seconds", "seconds", [],
            "The same for the stream that has waited longest.");
        ANALYSIS_GAP_MAX: Gauge("forewarn_analysis_gap_max_seconds", "seconds", [camera],
            "Longest time between two looks in the last minute or two.");
        ANALYSIS_BOUND: Gauge("forewarn_analysis_bound_seconds", "seconds", [],
            "Time within which each stream is looked at.");
        DECODED_PART: Gauge("forewarn_decoded_part", "part", [camera],
            "Part of each group of pictures that is decoded; 0 is key frames alone.");
        STREAMS: Gauge("forewarn_streams", "streams", [rank], "Streams by what they are treated as.");
    }
    "Models" {
        MODEL_IN_USE: Gauge("forewarn_model_in_use", "0 or 1", [card, provider],
            "1 for the model and provider that look at frames, 0 for former ones.");
        MODEL_FALLBACKS: Counter("forewarn_model_fallbacks_total", "models", [when],
            "Models that went to the CPU, at the start or at work.");
        MODEL_SWAPS: Counter("forewarn_model_swaps_total", "attempts", [outcome],
            "Attempts to exchange the model, by outcome.");
        SHADOW_FRAMES: Counter("forewarn_shadow_frames_total", "frames", [outcome],
            "Frames of the shadow model's sample, by outcome.");
        SHADOW_DETECTIONS: Counter("forewarn_shadow_detections_total", "detections", [class, outcome],
            "What main and shadow model found, by class and side.");
    }
    "Sensors" {
        SENSOR_VALUE: Gauge("forewarn_sensor_value", "the sensor's own", [sensor], "The latest value of a sensor.");
        SENSOR_READINGS: Counter("forewarn_sensor_readings_total", "values", [sensor],
            "Values that were read of a sensor.");
        SENSOR_ERRORS: Counter("forewarn_sensor_errors_total", "values", [sensor],
            "Values that could not be read of a sensor.");
        SENSOR_VALUES_REPLACED: Counter("forewarn_sensor_values_replaced_total", "values", [sensor],
            "Values that a newer one replaced before they counted.");
    }
    "Flights" {
        TELEMETRY_SAMPLES: Counter("forewarn_telemetry_samples_total", "samples", [camera],
            "Where a camera that flies was and looked, as it was heard.");
        TELEMETRY_DROPPED: Counter("forewarn_telemetry_dropped_total", "samples", [camera],
            "Samples given up because newer ones came before they counted.");
        TELEMETRY_WILD: Counter("forewarn_telemetry_wild_total", "samples", [camera],
            "Samples passed over because they tell no place on earth, or what no drone does.");
    }
    "Incidents and warnings" {
        INCIDENT_TRANSITIONS: Counter("forewarn_incident_transitions_total", "steps", [violation, state],
            "Steps of incidents, by violation and state.");
        INCIDENTS_OPEN: Gauge("forewarn_incidents_open", "incidents", [state], "Open incidents by state.");
        SUSPICIONS_DISMISSED: Counter("forewarn_suspicions_dismissed_total", "suspicions", [violation],
            "Suspicions that were not confirmed.");
        SUPPRESSIONS: Gauge("forewarn_suppressions", "instances", [], "Instances that operators have passed over.");
        WARNINGS: Counter("forewarn_warnings_total", "announcements", [speaker, outcome, kind],
            "Announcements by speaker, outcome, and proof of playback or kind of failure; `not_delivered` where none of \
             a camera's speakers played one.");
    }
    "Reports and evidence" {
        OUTBOX_MESSAGES: Gauge("forewarn_outbox_messages", "reports", [],
            "Reports that some upstream has not acknowledged.");
        OUTBOX_BYTES: Gauge("forewarn_outbox_bytes", "bytes", [], "Bytes of these reports.");
        OUTBOX_HELD: Gauge("forewarn_outbox_held", "reports", [],
            "Reports in memory that the disk has not taken; they are sent from there.");
        OUTBOX_GIVEN_UP: Counter("forewarn_outbox_given_up_total", "incidents", [],
            "Incidents whose latest report was given up: the disk did not take it, and too many waited.");
        OUTBOX_SET_ASIDE: Counter("forewarn_outbox_set_aside_total", "files", [],
            "Outboxes that were damaged or gone while in use, and were replaced.");
        UPSTREAM_CONNECTED: Gauge("forewarn_upstream_connected", "state", [upstream],
            "1 while an upstream takes reports.");
        UPSTREAM_MESSAGES: Gauge("forewarn_upstream_messages", "reports", [upstream],
            "Reports that an upstream has not acknowledged.");
        UPSTREAM_BYTES: Gauge("forewarn_upstream_bytes", "bytes", [upstream],
            "Bytes of these reports.");
        UPSTREAM_OWED: Gauge("forewarn_upstream_owed", "incidents", [upstream],
            "Incidents whose latest state an upstream gets when there is room.");
        UPSTREAM_OLDEST: Gauge("forewarn_upstream_oldest_unacknowledged_seconds", "seconds", [upstream],
            "When the oldest report happened that an upstream has not acknowledged, as Unix time; 0 if it has all.");
        UPSTREAM_SENT: Counter("forewarn_upstream_sent_total", "reports", [upstream],
            "Reports sent to an upstream, repetitions counted.");
        UPSTREAM_ACKNOWLEDGED: Counter("forewarn_upstream_acknowledged_total", "reports", [upstream],
            "Reports that an upstream acknowledged.");
        UPSTREAM_REFUSED: Counter("forewarn_upstream_refused_total", "reports", [upstream],
            "Reports that an upstream refused; they are tried again.");
        UPSTREAM_GIVEN_UP: Counter("forewarn_upstream_given_up_total", "reports", [upstream],
            "Reports that an upstream will never have: it refused them for good, and took others.");
        UPSTREAM_PICTURES_WAITING: Gauge("forewarn_upstream_pictures_waiting", "pictures", [upstream],
            "Small pictures that wait for words before them, or for the budget of a thin link.");
        UPSTREAM_PICTURES_SENT: Counter("forewarn_upstream_pictures_sent_total", "pictures", [upstream],
            "Small pictures that followed their words over a thin link.");
        UPSTREAM_PICTURES_LEFT_OUT: Counter("forewarn_upstream_pictures_left_out_total", "pictures", [upstream],
            "Small pictures that were not sent: too many waited, there was none, or the upstream refused it.");
        UPSTREAM_FILES_WAITING: Gauge("forewarn_upstream_files_waiting", "files", [upstream],
            "Files of evidence that wait to be brought over, of the bundles that were looked into.");
        UPSTREAM_FILE_BYTES_WAITING: Gauge("forewarn_upstream_file_bytes_waiting", "bytes", [upstream],
            "Bytes of the files of evidence that wait to be brought over.");
        UPSTREAM_FILES_HELD_BACK: Gauge("forewarn_upstream_files_held_back", "state", [upstream],
            "1 while files of evidence wait because the budget of the link is used up.");
        UPSTREAM_FILES_SENT: Counter("forewarn_upstream_files_sent_total", "files", [upstream],
            "Files of evidence that an upstream has, by their hashes.");
        UPSTREAM_FILE_BYTES_SENT: Counter("forewarn_upstream_file_bytes_sent_total", "bytes", [upstream],
            "Bytes of the files of evidence that an upstream has.");
        UPSTREAM_CONNECTIONS: Counter("forewarn_upstream_connections_total", "connections", [upstream],
            "Connections that an upstream accepted.");
        UPSTREAM_FAILURES: Counter("forewarn_upstream_failures_total", "attempts", [upstream],
            "Attempts to connect upstream that failed, and connections that were lost.");
        OUTBOX_WRITE_ERRORS: Counter("forewarn_outbox_write_errors_total", "attempts", [],
            "Attempts to write reports that the disk refused, or that took too long.");
        EVIDENCE_WAITING: Gauge("forewarn_evidence_waiting", "files", [],
            "Snapshots and clips in memory that the disk has not taken.");
        EVIDENCE_LOST: Counter("forewarn_evidence_lost_total", "files", [],
            "Snapshots and clips that were given up because the disk did not take them.");
        TIME_STAMPS_WAITING: Gauge("forewarn_time_stamps_waiting", "seals", [],
            "Seals that wait for a stamp of the time stamp authority; 0 where none is named.");
        FOOTAGE_SECONDS: Counter("forewarn_footage_seconds_total", "seconds", [camera],
            "Video that was kept around the clock, where a camera has `footage = true`.");
        FOOTAGE_WRITTEN: Counter("forewarn_footage_written_bytes_total", "bytes", [camera], "Bytes of it.");
        FOOTAGE_GAPS: Counter("forewarn_footage_gaps_total", "gaps", [camera, reason],
            "Gaps in it that are over: camera `away`, disk `behind`, or `disk` that refused or had no room.");
        FOOTAGE_GAP_SECONDS: Gauge("forewarn_footage_gap_seconds", "seconds", [camera, reason],
            "Length of all these gaps.");
        FOOTAGE_BYTES: Gauge("forewarn_footage_bytes", "bytes", [], "Bytes of all footage on the disk.");
        RETENTION_EVENTS: Counter("forewarn_retention_events_total", "events", [],
            "Evidence deleted under pressure, or limits that cannot be kept.");
    }
    "Commands" {
        COMMANDS: Counter("forewarn_commands_total", "commands", [ask, outcome],
            "Commands by what they asked and what became of them: done, failed or refused.");
        COMMANDS_CONNECTED: Gauge("forewarn_commands_connected", "0 or 1", [], "1 while commands can come.");
    }
    "Health" {
        HEALTHY: Gauge("forewarn_healthy", "0 or 1", [], "1 while no part is in trouble, as `/healthz` says.");
        HEALTH: Gauge("forewarn_part_health", "0 to 2", [part],
            "How a part fares: 0 well, 1 with a warning, 2 in trouble; `/healthz` says why, since when and what to do.");
        OUTBOX_OLDEST: Gauge("forewarn_outbox_oldest_age_seconds", "seconds", [],
            "How long ago the oldest report happened that some upstream has not acknowledged; 0 if there is none.");
    }
    "Clock" {
        CLOCK_LEAPS: Counter("forewarn_clock_leaps_total", "leaps", [direction],
            "How often the clock on the wall was set, `forward` or `back`.");
        CLOCK_OFFSET: Gauge("forewarn_clock_offset_seconds", "seconds", [],
            "How far the clock on the wall is ahead of the agent's time line, which nobody can set.");
    }
    "Process" {
        QUEUE_DEPTH: Gauge("forewarn_queue_depth", "values", [queue], "Values that wait in a queue.");
        QUEUE_FULL: Counter("forewarn_queue_full_total", "values", [queue], "Values that a full queue refused.");
        PROCESS_CPU: Gauge("forewarn_process_cpu_seconds", "seconds", [], "Processor time of the agent.");
        HTTP_TURNED_AWAY: Counter("forewarn_http_turned_away_total", "connections", [listener],
            "Connections closed at once, because there were too many.");
        LIVE_GIVEN_UP: Counter("forewarn_live_given_up_total", "pictures", [],
            "Pictures that were given up for somebody who looks at a camera in the console, because he did not take them in time.");
        LIVE_CALLS: Gauge("forewarn_live_webrtc_sessions", "sessions", [],
            "Sessions in which somebody looks at a camera in the console over WebRTC; at most 16.");
        LOG_LINES_LOST: Counter("forewarn_log_lines_lost_total", "lines", [],
            "Lines of the log that were left out, because whoever reads it was stuck or too slow.");
        PROCESS_OPEN_FDS: Gauge("forewarn_process_open_fds", "descriptors", [], "File descriptors that are open.");
        PROCESS_RESIDENT: Gauge("forewarn_process_resident_bytes", "bytes", [], "Memory of the agent.");
    }
}

use super::*;
use crate::{
    judge::Criteria,
    metrics::testing::{record, run_of},
    record::{Record, RequestError, ServerTimes},
    report::{
        Outcome, Report,
        testing::{criteria, failing_run, outcomes, report},
    },
    run::{GaugeSample, GaugeSeries, Run, ServerSide},
};
use rstest::rstest;
use std::time::Duration;

fn page_of(report: &Report) -> String {
    html(&[Outcome::of("slo", report, Duration::from_secs(1))])
}

/// Every drawing of a page, as it stands there.
fn drawings(page: &str) -> Vec<&str> {
    page.split("<svg")
        .skip(1)
        .map(|rest| {
            let end = rest.find("</svg>").unwrap() + "</svg>".len();
            let start = rest.as_ptr() as usize - page.as_ptr() as usize - "<svg".len();
            &page[start..start + "<svg".len() + end]
        })
        .collect()
}

/// A run with everything that a page can show.
fn full() -> Run {
    let mut run = failing_run();
    for record in &mut run.records {
        record.head = record.events.first_at();
        record.server_times = ServerTimes {
            queue_ms: Some(4.0),
            ttft_ms: Some(30.0),
        };
    }
    let sample = |at: u64| GaugeSample {
        at: crate::clock::Nanos(at * 250_000_000),
        running: Some(at as f64),
        waiting: Some(1.0),
        kv_usage: Some(0.1 * at as f64),
        preemptions: Some(at),
        memory_bytes: Some(1e9),
        ..GaugeSample::default()
    };
    run.server = Some(ServerSide {
        gauges: Some(GaugeSeries {
            interval_ms: 250.0,
            samples: (0..6).map(sample).collect(),
        }),
        ..ServerSide::default()
    });
    run
}

#[test]
fn a_page() {
    let page = page_of(&report(full(), criteria()));
    insta::assert_snapshot!(page);
}

#[test]
fn every_kind_of_outcome_has_a_part_and_ids_are_unique() {
    let page = html(&outcomes());
    let document = page
        .split("id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    let ids: Vec<&str> = document.collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(ids.len(), once.len());
    for outcome in outcomes() {
        assert!(page.contains(&outcome.name), "{}", outcome.name);
        assert!(page.contains(&outcome.word()), "{}", outcome.word());
    }
}

/// What an XML parser reads is a picture in any viewer.
#[test]
fn every_drawing_is_xml_with_a_title_and_a_description() {
    let page = page_of(&report(full(), criteria()));
    let drawings = drawings(&page);
    assert!(drawings.len() > 20, "{}", drawings.len());
    for drawing in drawings {
        let document =
            roxmltree::Document::parse(drawing).unwrap_or_else(|e| panic!("{e}: {drawing}"));
        let root = document.root_element();
        if root.attribute("aria-hidden").is_some() {
            continue;
        }
        assert_eq!(root.attribute("role"), Some("img"));
        let named = root.attribute("aria-labelledby").unwrap();
        for id in named.split(' ') {
            let mut all = root.descendants();
            let node = all.find(|node| node.attribute("id") == Some(id)).unwrap();
            assert!(!node.text().unwrap().trim().is_empty(), "{drawing}");
        }
    }
}

/// A mark without its colour in the SVG is black where style sheets are forbidden.
#[test]
fn every_mark_has_its_colour_without_a_style_sheet() {
    let page = page_of(&report(full(), criteria()));
    for drawing in drawings(&page) {
        let document = roxmltree::Document::parse(drawing).unwrap();
        for node in document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "path")))
        {
            // What a group has, its paths have, too; the drawing itself has no colour.
            let painted = |name| {
                let own = node.ancestors().find_map(|node| node.attribute(name));
                own.is_some_and(|colour| colour != "none")
            };
            assert!(painted("fill") || painted("stroke"), "{drawing}");
        }
    }
}

#[test]
fn hostile_texts_come_out_as_texts() {
    let hostile = "</svg></title><script>alert(1)</script><img src=x onerror=\"alert(2)\">'&amp;";
    let mut run = full();
    run.setup.name = hostile.to_owned();
    run.setup.model = Some(hostile.to_owned());
    run.setup.target = hostile.to_owned();
    run.records[3].error = Some(RequestError::Server {
        message: hostile.to_owned(),
    });
    run.records[0].class = Some(hostile.into());
    let page = page_of(&report(run, criteria()));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(
        !page.contains("<img") && !page.contains("onerror=\"alert"),
        "{page}"
    );
    assert!(page.contains("&lt;img src=x"));
    for drawing in drawings(&page) {
        roxmltree::Document::parse(drawing).unwrap();
    }
}

/// 20,000 requests whose times scatter without a source of randomness.
fn large(seed: u64) -> Run {
    let scattered = |k: u64| (k * 7_919 % 1_009) * (k * 104_729 % 97) / 40;
    let records = (0..20_000_u64).map(|k| {
        let drawn = k + seed * 31;
        let first = k * 20 + 40 + scattered(drawn);
        let events: Vec<u64> = (0..32)
            .map(|t| first + t * 9 + scattered(drawn + t) % 17)
            .collect();
        let error = drawn.is_multiple_of(61).then_some(RequestError::NoTokens);
        Record {
            index: k as usize,
            error,
            ..record(k * 20, &events, 32)
        }
    });
    run_of(records.collect())
}

#[test]
fn twenty_thousand_requests_are_below_150_kb_and_every_time_the_same() {
    let run = large(0);
    let page = page_of(&report(run.clone(), criteria()));
    assert!(page.len() < 150_000, "{} bytes", page.len());
    assert_eq!(page, page_of(&report(run, criteria())));
}

#[test]
fn six_results_of_twenty_thousand_requests_are_below_300_kb() {
    let exhibits = (1..=6).map(|seed| {
        let mut run = large(seed);
        run.setup.name = format!("results/of-night-{seed}.json");
        let report = report(run, criteria());
        Exhibit::of(&Outcome::of("", &report, Duration::ZERO))
    });
    let page = page(&exhibits.collect::<Vec<_>>(), true);
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert_eq!(page.matches("<article").count(), 6);
}

#[test]
fn several_results_share_their_figures() {
    let exhibits: Vec<_> = ["before", "after"]
        .into_iter()
        .map(|name| {
            let mut run = full();
            run.setup.name = name.to_owned();
            Exhibit::of(&Outcome::of(
                "slo",
                &report(run, criteria()),
                Duration::ZERO,
            ))
        })
        .collect();
    let page = page(&exhibits, true);
    assert_eq!(page.matches("id=\"all-ttft-ecdf\"").count(), 1);
    assert_eq!(page.matches("id=\"r0-ttft-ecdf\"").count(), 0);
    assert!(page.contains("id=\"r1-slo0\""));
}

/// One curve of two servers would join what has nothing to do with each other.
#[rstest]
#[case::two_loads_of_a_server(["one", "one"], 1)]
#[case::two_servers(["one", "other"], 0)]
fn results_of_one_load_each_are_a_curve_if_they_share_the_rest(
    #[case] targets: [&str; 2],
    #[case] curves: usize,
) {
    let loads = [10.0, 20.0].into_iter();
    let exhibits: Vec<_> = loads
        .zip(targets)
        .map(|(rate, target)| {
            let mut run = full();
            run.setup.rate = Some(rate);
            run.setup.open_loop = true;
            run.setup.bench = serde_json::json!({ "target": target });
            let report = report(run, criteria());
            Exhibit::of(&Outcome::of("slo", &report, Duration::ZERO))
        })
        .collect();
    let page = page(&exhibits, true);
    assert_eq!(page.matches("id=\"all-curve0-ttft\"").count(), curves);
}

#[test]
fn a_run_in_which_everything_failed_has_a_page() {
    let mut run = full();
    for record in &mut run.records {
        record.error = Some(RequestError::NoTokens);
    }
    let page = page_of(&report(run, Criteria::default()));
    assert!(page.contains("INVALID"), "{page}");
    let nothing = page_of(&report(run_of(Vec::new()), Criteria::default()));
    assert!(nothing.contains("INVALID"));
}

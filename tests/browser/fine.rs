//! What holds for every page.

use serde_json::{Value, json};

/// One way of looking at a page: nothing is cut off, no text lies over another, and every chart has its size and a title.
pub(crate) fn view(place: &str, view: &Value) {
    assert!(
        view["width"].as_f64() <= view["room"].as_f64(),
        "{place}: {} of {}",
        view["width"],
        view["room"]
    );
    for chart in view["charts"].as_array().unwrap() {
        let size = |side: &str| chart[side].as_f64().unwrap();
        assert!(
            size("width") >= 280.0 && size("height") >= 20.0,
            "{place}: {chart}"
        );
        assert_ne!(chart["title"], "", "{place}");
        assert_eq!(chart["crowded"], json!([]), "{place}: {}", chart["id"]);
    }
}

/// The colours of the charts.
pub(crate) fn colours(view: &Value) -> Vec<String> {
    let charts = view["charts"].as_array().unwrap().iter();
    charts
        .map(|chart| chart["colour"].as_str().unwrap().to_owned())
        .collect()
}

/// All ways of looking at a page that is a file.
pub(crate) fn page(name: &str, views: &Value) {
    for (how, seen) in views.as_object().unwrap() {
        let place = format!("{name}, {how}");
        view(&place, seen);
        assert_eq!(seen["requests"], json!([]), "{place}");
        assert_eq!(seen["tables"], views["light"]["tables"], "{place}");
        // The console says what a policy of the server forbids. Without a style sheet the lines of the report as
        // text are as long as they are.
        if how != "sandboxed" {
            assert_eq!(seen["said"], json!([]), "{place}");
            assert!(
                seen["unfolded"].as_f64() <= seen["room"].as_f64(),
                "{place}: {}",
                seen["unfolded"]
            );
        }
    }
    for how in ["light", "dark"] {
        assert_eq!(views[how]["axe"], json!([]), "{name}, {how}");
    }
    assert_ne!(
        views["light"]["background"], views["dark"]["background"],
        "{name}"
    );
    // Colours of marks change with the screen, and are there without a style sheet.
    let light = colours(&views["light"]);
    assert_eq!(light, colours(&views["sandboxed"]), "{name}");
    assert!(
        light.is_empty() || light != colours(&views["dark"]),
        "{name}"
    );
    // With scripts, tables can be sorted.
    let tables = views["light"]["tables"].as_array().unwrap();
    let long = |table: &Value| table["rows"].as_array().unwrap().len() > 1;
    if tables.iter().any(long) {
        assert_eq!(views["light"]["sorted"], "ascending", "{name}");
    }
    for how in ["still", "sandboxed"] {
        assert_eq!(views[how]["buttons"], 0, "{name}, {how}");
    }
}

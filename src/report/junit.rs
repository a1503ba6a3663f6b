//! JUnit XML as Jenkins, GitLab and GitHub actions read it.

use super::{End, Outcome};
use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};
use std::time::Duration;

/// All benches as test cases, a suite for each group. A verdict of *fail* or *inconclusive* and an error of a bench's
/// function are failures; an invalid run, and a bench that could not be run, are errors: they say nothing about the
/// server.
///
/// # Errors
/// No case is known: the XML is made in memory.
pub fn junit_xml(outcomes: &[Outcome]) -> Result<String, SerializeError> {
    let mut report = Report::new("goodput");
    report.set_time(outcomes.iter().map(|outcome| outcome.took).sum());
    let mut suites: Vec<TestSuite> = Vec::new();
    for outcome in outcomes {
        let group = one_line(&outcome.group);
        let place = suites.iter().position(|s| s.name.as_str() == group);
        let place = place.unwrap_or_else(|| {
            suites.push(TestSuite::new(group));
            suites.len() - 1
        });
        let suite = &mut suites[place];
        suite.set_time(suite.time.unwrap_or(Duration::ZERO) + outcome.took);
        suite.add_test_case(case(outcome));
    }
    report.add_test_suites(suites);
    // XML has no such characters, and parsers stop at them.
    let xml = report.to_string()?;
    Ok(xml.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
}

fn case(outcome: &Outcome) -> TestCase {
    let mut case = TestCase::new(one_line(&outcome.name), status(outcome));
    case.set_classname(one_line(&outcome.group));
    case.set_time(outcome.took);
    if let Some(measured) = &outcome.measured {
        let setup = &measured.setup;
        case.add_property(Property::new("verdict", measured.verdict.to_string()));
        case.add_property(Property::new("target", &setup.target));
        case.add_property(Property::new("backend", &setup.backend));
        case.add_property(Property::new("simulated", setup.simulated.to_string()));
        case.add_properties(
            measured
                .measures
                .iter()
                .map(|m| Property::new(m.slug(), format!("{} {}", m.value, m.unit()))),
        );
        let caveats = outcome.caveats().iter();
        case.add_properties(caveats.map(|c| Property::new(c.kind.slug(), &c.message)));
        case.set_system_out(&measured.summary);
    }
    case
}

fn status(outcome: &Outcome) -> TestCaseStatus {
    let word = outcome.word();
    let kind = match (&outcome.end, word.as_str()) {
        (End::Passed, _) => return TestCaseStatus::success(),
        (End::Ignored(why), _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why);
            return status;
        }
        (End::Broken(..), _) | (_, "invalid") => NonSuccessKind::Error,
        (End::Failed(_), _) => NonSuccessKind::Failure,
    };
    let why = outcome.reason();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word);
    // A reader's list shows the message, its page of the case the description.
    status.set_message(why.lines().next().unwrap_or_default());
    let evidence = outcome.measured.as_ref().map(|m| m.evidence.as_str());
    status.set_description([why, evidence.unwrap_or_default()].join("\n"));
    status
}

/// A name on one line, so that it cannot contain a command of the CI that shows the file.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::outcomes;
    use roxmltree::{Document, Node};

    /// The attributes and elements that the schemas of Jenkins' JUnit plugin and of GitLab's reports
    /// know, with those that they require.
    fn check(node: Node<'_, '_>) {
        let (children, required, optional): (&[_], &[_], &[_]) = match node.tag_name().name() {
            "testsuites" => (
                &["testsuite"],
                &[],
                &[
                    "name",
                    "tests",
                    "failures",
                    "errors",
                    // Newer than the schema; all readers skip what they do not know.
                    "skipped",
                    "time",
                    "timestamp",
                    "uuid",
                ],
            ),
            "testsuite" => (
                &["properties", "testcase", "system-out", "system-err"],
                &["name", "tests"],
                &[
                    "failures",
                    "errors",
                    "disabled",
                    "skipped",
                    "time",
                    "timestamp",
                ],
            ),
            "testcase" => (
                &[
                    "properties",
                    "skipped",
                    "failure",
                    "error",
                    "system-out",
                    "system-err",
                ],
                &["name", "classname"],
                &["time", "timestamp", "assertions"],
            ),
            "properties" => (&["property"], &[], &[]),
            "property" => (&[], &["name", "value"], &[]),
            "failure" | "error" => (&[], &["type", "message"], &[]),
            "skipped" => (&[], &[], &["message"]),
            "system-out" => (&[], &[], &[]),
            other => panic!("no schema knows <{other}>"),
        };
        for name in required {
            assert!(node.has_attribute(*name), "{node:?} lacks {name}");
        }
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                required.contains(&name) || optional.contains(&name),
                "{name}"
            );
            if name == "time" {
                attribute.value().parse::<f64>().unwrap();
            }
            if ["tests", "failures", "errors"].contains(&name) {
                attribute.value().parse::<u64>().unwrap();
            }
        }
        for child in node.children().filter(Node::is_element) {
            assert!(children.contains(&child.tag_name().name()), "{child:?}");
            check(child);
        }
    }

    #[test]
    fn every_end_has_its_element() {
        let xml = junit_xml(&outcomes()).unwrap();
        let document = Document::parse(&xml).unwrap();
        check(document.root_element());
        let count = |tag: &str| {
            document
                .descendants()
                .filter(|n| n.has_tag_name(tag))
                .count()
        };
        let counted = ["testcase", "failure", "error", "skipped"].map(count);
        assert_eq!(counted, [7, 3, 2, 1]);
        let suite = document.descendants().find(|n| n.has_tag_name("testsuite"));
        let attribute = |name| suite.unwrap().attribute(name);
        assert_eq!(attribute("tests"), Some("7"));
        assert_eq!(attribute("failures"), Some("3"));
        assert_eq!(attribute("errors"), Some("2"));
        let failure = document.descendants().find(|n| n.has_tag_name("failure"));
        insta::assert_snapshot!(failure.unwrap().attribute("message").unwrap());
    }

    #[test]
    fn what_servers_send_cannot_break_the_xml() {
        let mut outcomes = outcomes();
        let said = "<b>&\u{1b}[31m\u{0}\u{fffe}\u{ffff} \"quoted\" ]]>";
        outcomes[0].end = End::Failed(said.to_owned());
        outcomes[0].name = said.to_owned();
        outcomes[0].group = said.to_owned();
        let xml = junit_xml(&outcomes).unwrap();
        assert!(!xml.contains(['\u{1b}', '\u{0}', '\u{fffe}', '\u{ffff}']));
        let document = Document::parse(&xml).unwrap();
        check(document.root_element());
        let failure = document.descendants().find(|n| n.has_tag_name("failure"));
        let message = failure.unwrap().attribute("message").unwrap();
        assert!(
            message.starts_with("<b>&") && message.ends_with(" \"quoted\" ]]>"),
            "{message}"
        );
    }
}

//! The scripts of the workflows, with a `cargo` that prints what a test sets.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ci-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Code, output and the job's summary of a script whose `cargo` does this.
fn run(folder: &Path, script: &str, argument: &str, cargo: &str) -> (Option<i32>, String, String) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = repository.join("../.ci").join(script);
    // Not written by the test: Linux runs no file that a test beside it, just forked, still has open for writing.
    let path = format!("{}:{}", repository.join("tests/repository/bin").display(), std::env::var("PATH").unwrap());
    let summary = folder.join("summary.md");
    let mut command = Command::new("bash");
    command
        .arg(script)
        .arg(argument)
        .env("PATH", path)
        .env("PRETENDED_CARGO", cargo)
        .env("GITHUB_STEP_SUMMARY", &summary);
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), out, fs::read_to_string(summary).unwrap_or_default())
}

#[test]
fn docs_that_cannot_be_read_are_named_in_the_summary() {
    let folder = folder("unread");
    let drift = folder.join("drift").display().to_string();
    let (code, out, summary) =
        run(&folder, "docs-drift", &drift, "echo 'note: words' >&2; echo 'error: no docs: HTTP 502' >&2; exit 2");
    assert_eq!(code, Some(2));
    assert!(summary.contains("could not be compared") && summary.contains("error: no docs: HTTP 502"), "{summary}");
    assert_eq!(out, "::error title=the docs could not be compared::error: no docs: HTTP 502\n");
    // A crash of the program is not a finding.
    assert_eq!(run(&folder, "docs-drift", &drift, "exit 101").0, Some(2));
}

/// Two runs would write two issues, and a failed read says nothing about the contract.
#[test]
fn the_issue_is_written_by_one_run_that_read_the_docs() {
    let workflow = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows/docs-drift.yml");
    let workflow: serde_json::Value = serde_yaml_ng::from_str(&fs::read_to_string(workflow).unwrap()).unwrap();
    assert_eq!(workflow["concurrency"]["group"], "docs-drift");
    let steps = workflow["jobs"]["check"]["steps"].as_array().unwrap();
    let writing = steps.iter().filter(|step| step["run"].as_str().is_some_and(|run| run.contains("gh issue")));
    let conditions: Vec<_> = writing.map(|step| step["if"].as_str().unwrap_or_default()).collect();
    assert_eq!(conditions, ["steps.check.outputs.code == '1'", "steps.check.outputs.code == '0'"]);
}

#[test]
fn findings_are_in_the_report_the_summary_and_the_log() {
    let folder = folder("findings");
    let drift = folder.join("drift").display().to_string();
    for code in [0, 1] {
        let cargo =
            format!("case \"$*\" in *github*) echo '::notice::reworded';; *) echo '**table**';; esac; exit {code}");
        let (status, out, summary) = run(&folder, "docs-drift", &drift, &cargo);
        assert_eq!((status, out.as_str()), (Some(code), "::notice::reworded\n"));
        assert!(summary.ends_with("**table**\n"), "{summary}");
        assert_eq!(fs::read_to_string(folder.join("drift/report.md")).unwrap(), "**table**\n");
    }
}

#[test]
fn a_change_that_cannot_be_compared_is_annotated() {
    let folder = folder("diff");
    let (code, out, summary) = run(&folder, "contract-diff", "main", "echo 'error: bad.yaml:3: broken' >&2; exit 2");
    assert_eq!(code, Some(2));
    assert!(summary.contains("bad.yaml:3: broken"), "{summary}");
    assert!(out.contains("::error title=the contract cannot be compared::error: bad.yaml:3: broken"), "{out}");
}

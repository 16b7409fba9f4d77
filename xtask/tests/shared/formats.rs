//! The reports of `cargo xtask check` and `cargo xtask diff`: each format as it is printed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::folder::{folder, run};
use serde_json::Value;

const GUIDE: &str = "piaxis-api-integration-guide.md";

/// A repository with the contract and the pages of the tests, accepted as they are.
fn repository(name: &str) -> PathBuf {
    let folder = folder(name);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docs");
    fs::create_dir_all(folder.join("docs")).unwrap();
    for file in fs::read_dir(&from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join("docs").join(file.file_name())).unwrap();
    }
    fs::rename(folder.join("docs/contract.yaml"), folder.join("openapi/piaxis.yaml")).unwrap();
    assert_eq!(check(&folder, &["--update-lock"], &[]).0, Some(0));
    folder
}

/// Code and output.
fn check(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["check", "--docs", "docs"]).args(arguments).current_dir(folder);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn edit(folder: &Path, file: &str, change: impl Fn(&str) -> String) {
    let path = folder.join(file);
    let old = fs::read_to_string(&path).unwrap();
    let new = change(&old);
    assert_ne!(old, new);
    fs::write(path, new).unwrap();
}

#[test]
fn accepted_deviations_are_counted_and_listed_on_demand() {
    let folder = repository("accepted");
    let json: Value = serde_json::from_str(&check(&folder, &["--format", "json"], &[]).1).unwrap();
    let count = json["accepted"].as_array().unwrap().len();
    assert!(count > 2);
    let short = check(&folder, &[], &[]).1;
    assert!(short.contains(&format!("; {count} accepted deviations\n")) && !short.contains(" says: "), "{short}");
    for flag in ["--verbose", "-v"] {
        let long = check(&folder, &[flag], &[]).1;
        assert_eq!(long.matches("  - `").count(), count, "{long}");
    }
}

#[test]
fn colours_follow_the_environment() {
    let folder = repository("colours");
    let is_coloured = |environment: &[(&str, &str)]| check(&folder, &[], environment).1.contains('\u{1b}');
    assert!(!is_coloured(&[]));
    assert!(is_coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1"), ("TERM", "dumb")]));
}

#[test]
fn a_removed_statement_points_to_its_page() {
    let folder = repository("page");
    edit(&folder, &format!("docs/{GUIDE}"), |text| text.replacen("- `merchant_id`\n", "", 1));
    let (code, out) = check(&folder, &["--format", "github"], &[]);
    assert_eq!(code, Some(1), "{out}");
    let gone = out.lines().find(|line| line.contains("fact-gone::")).unwrap_or_else(|| panic!("{out}"));
    assert!(gone.starts_with("::error title=") && gone.contains("docs: guide, "), "{gone}");
    assert!(!out.contains("docs.lock,line"), "{out}");
}

/// A new operation, as a page would describe it.
const SECTION: &str = "\n### `GET /api/loans`\n\nPurpose:\n\n- lists loans\n\nGuaranteed response fields:\n\n- `loan_id`\n- `debtor_id`\n- `interest`\n- `due_date`\n- `paid_back`\n- `guarantor_id`\n\n## 2. One-time passwords\n";

#[test]
fn an_operation_that_one_side_has_is_one_finding() {
    let folder = repository("fold");
    edit(&folder, &format!("docs/{GUIDE}"), |text| text.replacen("\n## 2. One-time passwords\n", SECTION, 1));
    let (code, out) = check(&folder, &[], &[]);
    assert_eq!(code, Some(1));
    assert_eq!(out.matches(" [").count(), out.matches("[operation-missing]").count(), "{out}");
    assert_eq!(out.matches("[operation-missing]").count(), 1, "{out}");

    let folder = repository("fold-contract");
    edit(&folder, &format!("docs/{GUIDE}"), |text| {
        let (start, end) = (text.find("### `POST /api/request-otp`").unwrap(), text.find("## 3. Direct").unwrap());
        format!("{}{}", &text[..start], &text[end..])
    });
    let (code, out) = check(&folder, &[], &[]);
    assert_eq!(code, Some(1));
    assert_eq!(out.matches("[field-undocumented]").count(), 1, "{out}");
    assert!(out.contains("4 more: ") && out.contains("`verification_methods.email_sent`"), "{out}");
}

#[test]
fn markdown_keeps_code_and_fits_an_issue() {
    let folder = folder("markdown");
    let start = "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths:\n";
    let operation = |at: usize| {
        format!(
            "  '/a_b*{at}/{{x|y}}':\n    get: {{ operationId: '{}{at}', responses: {{ 200: {{ description: d }} }} }}\n",
            "long_".repeat(30)
        )
    };
    let all: String = (0..900).map(operation).collect();
    fs::write(folder.join("base.yaml"), format!("{start}{all}")).unwrap();
    fs::write(folder.join("head.yaml"), format!("{start}  /other: {{}}\n")).unwrap();
    let (code, out, error) = run(&folder, &["base.yaml", "head.yaml", "--format", "markdown"]);
    assert_eq!(code, Some(1), "{error}");
    assert!(out.chars().count() < 65_536, "{}", out.chars().count());
    assert!(out.contains("more: run `cargo xtask diff`") && out.contains("</details>"), "{out}");
    let row = out.lines().find(|line| line.contains("GET /a_b")).unwrap();
    assert!(row.contains("| `GET /a_b*0/{x\\|y}` |") && row.contains("`/paths/~1a_b*0~1{x\\|y}/get`"), "{row}");
    assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
}

#[test]
fn no_text_of_a_document_forges_a_command_or_steers_a_terminal() {
    let folder = repository("hostile");
    let evil = "a\u{1b}[2J\u{85}\u{202e} ::error::f ##[error]f <img> @all";
    edit(&folder, &format!("docs/{GUIDE}"), |text| {
        text.replacen("- `merchant_id`\n", &format!("- `merchant_id`\n- `{evil}`\n- {evil}\n"), 1)
            .replacen("### `POST /api/token`", &format!("### `POST /api/token` {evil}"), 1)
            .replacen("`POST /api/request-otp`\n", &format!("`POST /api/{evil}`\n"), 1)
    });
    for format in ["human", "json", "github", "markdown"] {
        let (code, out) = check(&folder, &["--format", format, "--verbose"], &[]);
        assert!(matches!(code, Some(0 | 1)), "{out}");
        assert!(!out.contains(|it: char| it.is_control() && it != '\n'), "{out:?}");
        for line in out.lines().filter(|_| format != "json") {
            let is_command = line.trim_start().starts_with("::");
            // Of a line that is a command, nothing else is read.
            assert!(is_command || !line.contains("##["), "{line}");
            assert!(!is_command || format == "github" && !line.starts_with("::error::"), "{line}");
        }
    }
}

#[test]
fn both_commands_say_their_exit_codes() {
    for command in ["check", "diff"] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Exit codes:\n  0  ") && help.contains("\n  1  ") && help.contains("\n  2  "), "{help}");
    }
}

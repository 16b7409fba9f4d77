#!/usr/bin/env python3
"""What a program pays at build time for this crate, beside one that has reqwest, serde, serde_json and tokio alone, and one
that also has the generator in its build script.

    python3 benches/build_cost.py [--release] [--rounds N] [--parts]

Builds each from nothing, by turns, and prints processor time and crates. --parts lists the dearest crates. As for a
dependency from the registry, nothing is built incrementally. Needs the crates of Cargo.lock to be downloaded (`cargo fetch`).
"""

import argparse
import collections
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKIO = 'tokio = { version = "1", features = ["macros", "rt-multi-thread"] }'
BY_HAND = f"""
reqwest = {{ version = "0.13.4", default-features = false, features = ["json", "rustls"] }}
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"
{TOKIO}"""
BASE = "reqwest by hand"
GENERATOR = """
[build-dependencies]
openapiv3 = "2.2"
progenitor = { version = "0.15.1", default-features = false }
serde_json = "1"
serde_yaml_ng = "0.10"
"""
# Links the generator.
BUILD_SCRIPT = """fn main() {
    let contract: openapiv3::OpenAPI = match serde_yaml_ng::from_str("") { Ok(contract) => contract, Err(_) => return };
    let _ = progenitor::Generator::default().generate_tokens(&contract);
}
"""
PROGRAMS = {
    BASE: BY_HAND,
    "reqwest and progenitor": BY_HAND + GENERATOR,
    "piaxis": f'piaxis = {{ path = "{ROOT}" }}\n{TOKIO}',
}
# Appends the processor time of each rustc to a file.
WRAPPER = """#!/usr/bin/env python3
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], close_fds=False).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
name = sys.argv[sys.argv.index("--crate-name") + 1] if "--crate-name" in sys.argv else "-"
if name != "___":
    with open(os.environ["BUILD_COST_PARTS"], "a") as file:
        file.write(f"{name} {used.ru_utime + used.ru_stime}\\n")
sys.exit(code)
"""


def crates(directory, edges):
    command = ["cargo", "tree", "--offline", "--edges", edges, "--prefix", "none", "--format", "{p}"]
    listing = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return len({line.removesuffix(" (*)") for line in listing.splitlines()}) - 1


def build(directory, arguments, environment):
    target = directory / "target"
    shutil.rmtree(target, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["cargo", "build", "--quiet", "--offline", *arguments]
    subprocess.run(command, cwd=directory, check=True, env={**environment, "CARGO_TARGET_DIR": str(target)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(target)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--release", action="store_true")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--parts", action="store_true")
    options = options.parse_args()
    arguments = ["--release"] if options.release else []
    environment = {**os.environ, "CARGO_INCREMENTAL": "0"}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if options.parts:
            (folder / "wrapper").write_text(WRAPPER)
            (folder / "wrapper").chmod(0o755)
            environment["RUSTC_WRAPPER"] = str(folder / "wrapper")
        for position, dependencies in enumerate(PROGRAMS.values()):
            directory = folder / str(position)
            (directory / "src").mkdir(parents=True)
            (directory / "src/main.rs").write_text("fn main() {}\n")
            if GENERATOR in dependencies:
                (directory / "build.rs").write_text(BUILD_SCRIPT)
            package = '[workspace]\n[package]\nname = "program"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n'
            (directory / "Cargo.toml").write_text(package + dependencies + "\n")
            # The versions that the crate is tested with.
            shutil.copy(ROOT / "Cargo.lock", directory / "Cargo.lock")
        times = collections.defaultdict(list)
        for _ in range(options.rounds):
            for position, name in enumerate(PROGRAMS):
                environment["BUILD_COST_PARTS"] = str(folder / f"{position}.parts")
                times[name].append(build(folder / str(position), arguments, environment))
        print(f"{'program':24}{'crates':>8}{'with those of builds':>22}{'processor time':>18}{'ratio':>8}")
        least = min(times[BASE])
        for position, name in enumerate(PROGRAMS):
            directory, seconds = folder / str(position), min(times[name])
            counts = f"{crates(directory, 'normal'):>8}{crates(directory, 'normal,build'):>22}"
            print(f"{name:24}{counts}{seconds:>16.1f} s{seconds / least:>8.2f}")
        if options.parts:
            for position, name in enumerate(PROGRAMS):
                total = collections.Counter()
                for line in (folder / f"{position}.parts").read_text().splitlines():
                    crate, seconds = line.rsplit(" ", 1)
                    total[crate] += float(seconds) / options.rounds
                print(f"\n{name}")
                for crate, seconds in total.most_common(30):
                    print(f"{seconds:8.2f} s  {crate}")


if __name__ == "__main__":
    sys.exit(main())

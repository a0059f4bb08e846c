//! Has Cargo look again when the admin page was built: files that appear are no change of any file that it knows.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // a debug build reads the page where it is
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // what is not there would count as changed every time; where it cannot be made, it does
        let _ = std::fs::create_dir_all("ui/dist");
        println!("cargo::rerun-if-changed=ui/dist");
    }
}

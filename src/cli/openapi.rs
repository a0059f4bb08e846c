//! stub
/// s
#[derive(clap::Args)]
pub struct Openapi {}
/// s
pub fn run(_: Openapi) -> std::io::Result<()> {
    Ok(())
}

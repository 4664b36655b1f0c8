//! Prints the description of the API, which the console's client is made from.

fn main() -> Result<(), serde_json::Error> {
    let description = sluice_control::api::description();
    println!("{}", serde_json::to_string_pretty(&description)?);
    Ok(())
}

//! Owns: telling which tokens that nobody should take each crate takes, set up as it is measured.

use benches::report::{Report, Table};
use benches::validator::tokens::Issuer;
use benches::validator::{forged, ours};
use validator_lib::Algorithm;

/// Adds a table.
///
/// # Errors
/// If a crate takes a token that shows it to do much less than the others.
pub fn tell(report: &mut Report) -> anyhow::Result<()> {
    // For a key that it does not have, one of them begins to ask the issuer. Nothing drives this runtime,
    // so nobody is asked.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let issuer = Issuer::new()?;
    let algorithm = Algorithm::ES256;
    let mut taken: Vec<(String, Vec<&str>)> = Vec::new();
    for forgery in forged::all(&issuer, algorithm)? {
        let tokens = [forgery.token];
        let mut subjects = vec![ours::unknown(&issuer, &tokens)?];
        subjects.extend(crate::others(&issuer, algorithm, &tokens)?);
        for (number, subject) in subjects.iter_mut().enumerate() {
            let takes = subject.slot(0, 1).is_ok();
            anyhow::ensure!(!(takes && forgery.basic), "{}: {}", subject.name, forgery.name);
            if number == taken.len() {
                taken.push((subject.name.clone(), Vec::new()));
            }
            let names = taken.get_mut(number).map(|(_, names)| names);
            names.filter(|_| takes).into_iter().for_each(|names| names.push(forgery.name));
        }
    }
    let mut table = Table::new("Tokens that they take, as they are measured", ["", "wrong in"]);
    for (name, wrong) in taken {
        report.json(&format!("takes/{name}"), serde_json::json!(wrong));
        table.row([name, if wrong.is_empty() { "-".to_owned() } else { wrong.join(", ") }]);
    }
    report.table(table);
    Ok(())
}

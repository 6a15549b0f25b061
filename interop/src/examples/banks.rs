//! `banks`: two kinds of a bank; one lets its customers overdraw.

use std::collections::BTreeMap;

use salamander::prelude::*;

use super::Stage;

struct Bank {
    name: &'static str,
    may_overdraw: bool,
    accounts: BTreeMap<String, f64>,
}

impl Bank {
    fn account(&mut self, name: &str) -> Result<&mut f64, Exception> {
        self.accounts.get_mut(name).ok_or_else(|| Exception::key_error("unknown account"))
    }
}

#[expose]
impl Bank {
    fn name(&self) -> &'static str {
        self.name
    }

    #[name("createAccount")]
    fn create_account(&mut self, name: String) -> Result<(), Exception> {
        if self.accounts.contains_key(&name) {
            return Err(Exception::value_error("Account already exists"));
        }
        self.accounts.insert(name, 0.0);
        Ok(())
    }

    #[name("deleteAccount")]
    fn delete_account(&mut self, name: &str) -> Result<(), Exception> {
        self.accounts.remove(name).map(drop).ok_or_else(|| Exception::key_error("unknown account"))
    }

    fn deposit(&mut self, name: &str, amount: f64) -> Result<(), Exception> {
        *self.account(name)? += amount;
        Ok(())
    }

    fn withdraw(&mut self, name: &str, amount: f64) -> Result<(), Exception> {
        let may_overdraw = self.may_overdraw;
        let balance = self.account(name)?;
        if !may_overdraw && amount > *balance {
            return Err(Exception::value_error("insufficent balance"));
        }
        *balance -= amount;
        Ok(())
    }

    fn balance(&mut self, name: &str) -> Result<f64, Exception> {
        self.account(name).copied()
    }

    #[name("allAccounts")]
    fn all_accounts(&self) -> BTreeMap<String, f64> {
        self.accounts.clone()
    }
}

/// Serves them.
///
/// # Errors
/// Where there is no port.
pub async fn serve(stage: &Stage) -> Result<Uri> {
    let (daemon, names) = (stage.daemon().await?, stage.names().await?);
    let bank = |name, may_overdraw| Bank { name, may_overdraw, accounts: BTreeMap::new() };
    let uri = daemon.register_anonymous(bank("Rabobank", true))?;
    names.register("example.banks.rabobank", &uri).await?;
    let uri = daemon.register_anonymous(bank("ABN bank", false))?;
    names.register("example.banks.abn", &uri).await?;
    daemon.spawn();
    Ok(uri)
}

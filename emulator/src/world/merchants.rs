//! Merchants and people with a Piaxis account.

use piaxis::{Amount, Secret};
use serde::{Deserialize, Serialize};

use super::{World, ids::Kind, ledger::Account, table::Row};

/// A merchant with credentials and a wallet. Merchants see nothing of each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Merchant {
    pub(crate) name: String,
    pub(crate) api_key: Secret,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// Addresses that an authorization may redirect to; empty for any that is HTTPS or on loopback.
    pub(crate) redirect_uris: Vec<String>,
    /// Where webhooks are posted.
    pub(crate) webhook_url: Option<String>,
    pub(crate) webhook_secret: Secret,
}

/// A person with a Piaxis account, who authorized a merchant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    /// The merchant that knows the person by the id.
    pub(crate) merchant: Row,
    pub(crate) external_user_id: String,
}

impl World {
    /// Adds a merchant with the start balance of the settings.
    pub(crate) fn add_merchant(&mut self, name: &str) -> Row {
        let row = self.merchants.next();
        // Credentials have the merchant's name in them, so that a person recognises them.
        let merchant = Merchant {
            name: name.to_owned(),
            api_key: format!("emulator-api-key-{name}").into(),
            client_id: format!("emulator-client-id-{name}"),
            client_secret: format!("emulator-client-secret-{name}").into(),
            redirect_uris: Vec::new(),
            webhook_url: None,
            webhook_secret: format!("emulator-webhook-secret-{name}").into(),
        };
        self.index_merchant(row, &merchant);
        self.merchants.insert(merchant);
        let (amount, currency) = (self.settings.start_balance, self.settings.start_currency.clone());
        if amount > Amount::from(0) {
            // Money from outside is never short.
            let _ = self.ledger.transfer(Account::Outside, Account::Merchant(row), amount, &currency);
        }
        row
    }

    fn index_merchant(&mut self, row: Row, merchant: &Merchant) {
        self.merchant_index.insert(merchant.api_key.expose().to_owned(), row);
        self.merchant_index.insert(merchant.client_id.clone(), row);
        self.merchant_index.insert(self.ids.id(Kind::Merchant, row), row);
    }

    /// Makes the indexes of merchants and people again.
    pub(crate) fn index_accounts(&mut self) {
        let merchants: Vec<(Row, Merchant)> = self.merchants.iter().map(|(row, found)| (row, found.clone())).collect();
        for (row, merchant) in merchants {
            self.index_merchant(row, &merchant);
        }
        let users = self.users.iter().map(|(row, user)| ((user.merchant, user.external_user_id.clone()), row));
        self.user_index.extend(users);
    }

    pub(crate) fn merchant_by_name(&self, name: &str) -> Option<Row> {
        self.merchants.iter().find(|(_, merchant)| merchant.name == name).map(|(row, _)| row)
    }

    /// Account id of a merchant.
    pub(crate) fn merchant_id(&self, merchant: Row) -> String {
        self.ids.id(Kind::Merchant, merchant)
    }

    /// Account id of a person.
    pub(crate) fn user_id(&self, user: Row) -> String {
        self.ids.id(Kind::User, user)
    }

    /// The person that a merchant knows by this id, who gets an account and money at the first time.
    pub(crate) fn user(&mut self, merchant: Row, external_user_id: &str) -> Row {
        if let Some(row) = self.user_index.get(&(merchant, external_user_id.to_owned())) {
            return *row;
        }
        let row = self.users.insert(User { merchant, external_user_id: external_user_id.to_owned() });
        self.user_index.insert((merchant, external_user_id.to_owned()), row);
        let (amount, currency) = (self.settings.user_balance, self.settings.start_currency.clone());
        if amount > Amount::from(0) {
            let _ = self.ledger.transfer(Account::Outside, Account::User(row), amount, &currency);
        }
        row
    }
}

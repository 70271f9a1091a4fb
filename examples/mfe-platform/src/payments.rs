//! Owns: payments. Customers pay and see what they paid, administrators see all, vendors see what is paid out to them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use validator_lib::{Allowed, Validator};

use crate::roles::{Customer, Payees, Payers};

/// Most payments that are remembered.
const MOST: usize = 1_000;

#[derive(Clone)]
struct Service {
    validator: Validator,
    payments: Arc<Mutex<VecDeque<Payment>>>,
}

impl FromRef<Service> for Validator {
    fn from_ref(service: &Service) -> Self {
        service.validator.clone()
    }
}

#[derive(Debug, Clone, Serialize)]
struct Payment {
    payer: String,
    vendor: String,
    cents: u32,
}

/// What a customer sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    vendor: String,
    cents: u32,
}

pub(crate) fn router(validator: Validator) -> Router {
    Router::new()
        .route("/payments", get(list).post(pay))
        .route("/payouts", get(payouts))
        .with_state(Service { validator, payments: Arc::default() })
}

impl Service {
    fn of(&self, is_meant: impl Fn(&Payment) -> bool) -> Vec<Payment> {
        let payments = self.payments.lock().unwrap_or_else(PoisonError::into_inner);
        payments.iter().filter(|payment| is_meant(payment)).cloned().collect()
    }
}

async fn list(token: Allowed<Payers>, State(service): State<Service>) -> Json<Value> {
    let sees_all = token.has_role("ADMIN");
    let seen = service.of(|payment| sees_all || payment.payer == token.subject());
    Json(json!({ "payments": seen }))
}

async fn pay(
    token: Allowed<Customer>,
    State(service): State<Service>,
    Json(order): Json<Order>,
) -> (StatusCode, Json<Payment>) {
    let Order { vendor, cents } = order;
    let payment = Payment { payer: token.subject().to_owned(), vendor, cents };
    let mut payments = service.payments.lock().unwrap_or_else(PoisonError::into_inner);
    payments.push_back(payment.clone());
    if payments.len() > MOST {
        payments.pop_front();
    }
    (StatusCode::CREATED, Json(payment))
}

async fn payouts(token: Allowed<Payees>, State(service): State<Service>) -> Json<Value> {
    let sees_all = token.has_role("ADMIN");
    let seen = service.of(|payment| sees_all || payment.vendor == token.subject());
    Json(json!({ "payouts": seen }))
}

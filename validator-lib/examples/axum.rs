//! A service of axum that checks its tokens:
//! `cargo run -p validator-lib --example axum --features axum -- ISSUER AUDIENCE`.

use std::error::Error;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use validator_lib::{Allowed, Policy, Token, Validator, policy};

policy! {
    OrdersRead = Policy::all(["orders:read"]);
    /// A login of the last five minutes, too: a stolen session should not be enough.
    OrdersWrite = Policy::all(["orders:write"]).max_age(300);
}

async fn list(token: Allowed<OrdersRead>) -> Json<Value> {
    Json(json!({ "owner": token.subject(), "orders": [] }))
}

async fn place(token: Allowed<OrdersWrite>, Json(order): Json<Value>) -> Json<Value> {
    Json(json!({ "owner": token.subject(), "placed": order }))
}

async fn greet(token: Option<Token>) -> String {
    token.map_or("Hello".to_owned(), |token| format!("Hello {}", token.subject()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().ok_or("ISSUER is missing")?;
    let audience = arguments.next().ok_or("AUDIENCE is missing")?;
    let validator = Validator::discover(issuer, audience).await?;
    let app = Router::new()
        .route("/orders", get(list).post(place))
        .route("/", get(greet))
        .with_state(validator);
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await?;
    Ok(())
}

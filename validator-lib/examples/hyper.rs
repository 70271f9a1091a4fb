//! A server of hyper, HTTP/1.1 and HTTP/2, whose requests are checked by a layer:
//! `cargo run -p validator-lib --example hyper --features tower -- ISSUER AUDIENCE`.

use std::convert::Infallible;
use std::error::Error;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};
use validator_lib::{Policy, Token, Validator};

async fn list(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let subject = request.extensions().get::<Token>().map_or("nobody", Token::subject);
    Ok(Response::new(Full::from(format!("the orders of {subject}\n"))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let issuer = arguments.next().ok_or("ISSUER is missing")?;
    let audience = arguments.next().ok_or("AUDIENCE is missing")?;
    let validator = Validator::discover(issuer, audience).await?;
    let service = ServiceBuilder::new()
        .layer(validator.layer().require(Policy::all(["orders:read"])))
        .service(service_fn(list));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // Whoever hangs up early is nobody's problem but their own.
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

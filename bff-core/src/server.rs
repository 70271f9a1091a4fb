//! Owns: the listeners.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use shell::admin::Admin;
use shell::listen::{self, Limits};
use shell::tls::Tls;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::app::App;
use crate::caller::Peer;
use crate::front::Front;
use crate::{admin, unread};

/// Serves `listener` until the end begins.
pub async fn serve(app: Arc<App>, listener: TcpListener) {
    let (front, shutdown) = (Arc::new(Front::new(&app)), app.shutdown.clone());
    let tls = app.config.network.tls.as_ref().map(Tls::config);
    let is_tls = tls.is_some();
    let make = move |address| {
        let (front, peer) = (Arc::clone(&front), Peer { address, tls: is_tls });
        service_fn(move |request: http::Request<Incoming>| {
            let front = Arc::clone(&front);
            async move { Ok::<_, Infallible>(front.answer(peer, unread::take(request)).await) }
        })
    };
    listen::serve(listener, tls, limits(), shutdown, make).await;
}

/// Serves the admin listener until the end begins.
pub async fn serve_admin(app: Arc<App>, admin: Admin, listener: TcpListener) {
    let tls = app.config.network.admin_tls.as_ref().map(Tls::config);
    let (router, is_tls) = (admin::router(&app, admin), tls.is_some());
    let make = move |address| {
        let router = router.clone();
        service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer { address, tls: is_tls });
            router.clone().oneshot(unread::take(request))
        })
    };
    listen::serve(listener, tls, limits(), app.shutdown.clone(), make).await;
}

fn limits() -> Limits {
    Limits { max_header_bytes: 64 * 1024, cuttable: true, ..Limits::default() }
}

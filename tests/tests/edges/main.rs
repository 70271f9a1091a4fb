//! The recipes in `docs/edges` in the real nginx, Caddy and Envoy: who reaches what, what verify and
//! services hear, and that nobody passes without verify.

mod answers;
mod requests;
mod scene;

/// Makes of each function, which takes a [`Kind`], a test of its name in a module for each gate.
#[macro_export]
macro_rules! with_each {
    ($($name:ident),+ $(,)?) => {
        mod nginx {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(e2e::gate::Kind::Nginx).await;
                }
            )+
        }
        mod envoy {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(e2e::gate::Kind::Envoy).await;
                }
            )+
        }
        mod caddy {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(e2e::gate::Kind::Caddy).await;
                }
            )+
        }
    };
}

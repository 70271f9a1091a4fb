//! Owns: what the demo says when it is up.

use std::io::{self, Write as _};

use crate::compose::Demo;

/// What to open, and what to try.
pub(crate) fn print(demo: &Demo) -> io::Result<()> {
    let (public, issuer, admin) = (&demo.public, &demo.issuer, demo.admin);
    let edge = if demo.traefik.is_some() { "Traefik" } else { "the built-in edge (not Traefik)" };
    let store = if demo.redis { "Redis" } else { "memory" };
    let chaos = match &demo.chaos {
        Some(_) => format!("\n Break it {public}/chaos/     buttons that take its parts away\n"),
        None => String::new(),
    };
    let text = format!(
        "\n\
         Wicketgate demo: {edge}, sessions in {store}.\n\
         \n\
         \x20 Open     {public}/           sign in as alice, bob or carol; the password is the name\n\
         \x20          {public}/whoami/    a service behind ForwardAuth\n\
         \x20          {issuer}            the development IdP\n\
         \x20          http://{admin}/metrics   what operators see\n\
         \n\
         \x20 Try      curl -i {public}/api/orders                      401 as JSON, never a redirect\n\
         \x20          curl -i -H 'Accept: text/html' {public}/whoami/   302 to the login\n\
         \x20          curl -i -H 'X-User-ID: evil' {public}/whoami/     401: nobody says who they are\n\
         \x20          curl -i {public}/auth/verify                     404: not for the outside\n\
         \x20          curl {public}/api/auth/session\n\
         {chaos}\n\
         Ctrl-C ends it.\n\n"
    );
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

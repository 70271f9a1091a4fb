//! Owns: the page that is examined, what it answers to honest requests, and whether another answer came from
//! the service behind it.

use secrecy::{ExposeSecret, SecretString};

use super::answer::Answer;
use super::ask::Ask;
use super::wire::{Failure, Place, Wire};

/// No page of anybody.
const NOWHERE: [&str; 2] = ["/wicketgate-doctor/no-such-page", "/wicketgate-doctor/none-either"];

/// What was asked first, and what all checks compare with.
pub(super) struct Site {
    pub(super) wire: Wire,
    pub(super) place: Place,
    /// Where plain HTTP is asked; `None` if nobody knows.
    pub(super) plain: Option<Place>,
    /// Path and query of the page.
    pub(super) page: String,
    /// Services that answer with the headers of their request.
    pub(super) echoes: Vec<String>,
    pub(super) user_agent: String,
    cookie: Option<SecretString>,
    /// A navigation without a session.
    pub(super) visit: Answer,
    /// The same asked by a script.
    pub(super) fetch: Answer,
    /// The status with the session, if there is one.
    pub(super) with_session: Option<u16>,
    /// The page with the session, if it let it in.
    pub(super) allowed: Option<Answer>,
    /// The page at `/`, if it is one for everybody: a script there is of the same origin.
    pub(super) root: Option<Answer>,
    /// What a page gets that does not exist, twice.
    pub(super) nowhere: [Answer; 2],
}

/// What a site is made of.
pub(super) struct Plan {
    pub(super) wire: Wire,
    pub(super) place: Place,
    pub(super) plain: Option<Place>,
    pub(super) page: String,
    pub(super) echoes: Vec<String>,
    pub(super) user_agent: String,
    pub(super) cookie: Option<SecretString>,
}

/// Whether the service behind the page answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Yes,
    No,
    /// Other pages answer 2xx as well, each time differently.
    Perhaps,
}

impl Site {
    /// Asks the first questions.
    ///
    /// # Errors
    /// [`Failure`]: there is nobody to examine.
    pub(super) async fn open(plan: Plan) -> Result<Self, Failure> {
        let Plan { wire, place, plain, page, echoes, user_agent, cookie } = plan;
        let empty = Answer::default;
        let mut site = Self {
            wire,
            place,
            plain,
            page,
            echoes,
            user_agent,
            cookie,
            visit: empty(),
            fetch: empty(),
            with_session: None,
            allowed: None,
            root: None,
            nowhere: [empty(), empty()],
        };
        site.visit = site.send(Ask::get(&site.page).navigating()).await?;
        site.fetch = site.send(Ask::get(&site.page).scripted()).await?;
        let root = site.send(Ask::get("/").navigating()).await?;
        site.root = Some(root).filter(Answer::is_success);
        let [first, second] = NOWHERE;
        site.nowhere = [
            site.send(Ask::get(first).scripted()).await?,
            site.send(Ask::get(second).scripted()).await?,
        ];
        if let Some(ask) = site.with_cookie(Ask::get(&site.page).scripted()) {
            let answer = site.send(ask).await?;
            site.with_session = Some(answer.status);
            site.allowed = Some(answer).filter(Answer::is_success);
        }
        Ok(site)
    }

    /// Sends a request that says who it is from.
    pub(super) async fn send(&self, ask: Ask) -> Result<Answer, Failure> {
        self.send_as(ask, &self.user_agent).await
    }

    /// The same under another `User-Agent`.
    pub(super) async fn send_as(&self, ask: Ask, user_agent: &str) -> Result<Answer, Failure> {
        self.wire.send(&self.place, &ask.line("User-Agent", user_agent)).await
    }

    fn with_cookie(&self, ask: Ask) -> Option<Ask> {
        let cookie = self.cookie.as_ref()?;
        Some(ask.line("Cookie", cookie.expose_secret()))
    }

    /// The request with the session's cookie, where there is a session that works.
    pub(super) fn as_user(&self, ask: Ask) -> Ask {
        let plain = ask.clone();
        self.allowed.as_ref().and_then(|_| self.with_cookie(ask)).unwrap_or(plain)
    }

    /// Whether `answer` shows a cookie of the session. Short ones may be there by chance.
    pub(super) fn shows_cookie(&self, answer: &Answer) -> bool {
        let cookies = self.cookie.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        let values = cookies.split(';').filter_map(|cookie| Some(cookie.split_once('=')?.1.trim()));
        values.filter(|value| value.len() >= 16).any(|value| answer.holds(value))
    }

    /// Whether anybody sees the page.
    pub(super) fn is_open(&self) -> bool {
        self.visit.is_success() || self.fetch.is_success()
    }

    /// Whether `answer` is what a user sees at the page.
    pub(super) fn is_page(&self, answer: &Answer) -> bool {
        let is_same = |allowed: &Answer| allowed.body == answer.body;
        answer.is_success() && self.allowed.as_ref().is_some_and(is_same)
    }

    /// Whether `answer`, to a request without a session, came from the service behind the page.
    pub(super) fn reached(&self, answer: &Answer) -> Reached {
        let [first, second] = &self.nowhere;
        if !answer.is_success() {
            Reached::No
        } else if self.is_page(answer) || !first.is_success() {
            Reached::Yes
        } else if first.body == answer.body {
            Reached::No
        } else if first.body == second.body {
            Reached::Yes
        } else {
            Reached::Perhaps
        }
    }
}

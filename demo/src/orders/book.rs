//! Owns: the orders of each user, in memory and within bounds.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

const MAX_USERS: usize = 100;
/// Per user; the oldest goes first.
const MAX_ORDERS: usize = 50;
const MAX_ITEM_CHARS: usize = 80;
const MAX_QUANTITY: u32 = 99;

/// An order as a client asks for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    item: String,
    quantity: u32,
}

/// An order as it stands in the book.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Order {
    id: u64,
    item: String,
    quantity: u32,
}

/// Why an order was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OrderError {
    /// The client's fault: no name of a thing.
    #[error("`item` must be 1 to {MAX_ITEM_CHARS} printable characters")]
    Item,
    /// The client's fault: no sensible number.
    #[error("`quantity` must be 1 to {MAX_QUANTITY}")]
    Quantity,
    /// Ours: the demo keeps orders for so many users and no more.
    #[error("the order book is full")]
    Full,
}

/// Everybody's orders.
#[derive(Debug, Default)]
pub(super) struct Book {
    users: HashMap<String, VecDeque<Order>>,
    last_id: u64,
}

impl Book {
    /// The orders of `user`, newest first.
    pub(super) fn of(&self, user: &str) -> Vec<Order> {
        self.users.get(user).into_iter().flatten().cloned().collect()
    }

    /// Takes an order of `user`.
    ///
    /// # Errors
    ///
    /// When the order makes no sense or the book is full.
    pub(super) fn place(&mut self, user: &str, wanted: &NewOrder) -> Result<Order, OrderError> {
        let item = wanted.item.trim();
        if item.is_empty()
            || item.chars().count() > MAX_ITEM_CHARS
            || item.chars().any(char::is_control)
        {
            return Err(OrderError::Item);
        }
        if !(1..=MAX_QUANTITY).contains(&wanted.quantity) {
            return Err(OrderError::Quantity);
        }
        if self.users.len() >= MAX_USERS && !self.users.contains_key(user) {
            return Err(OrderError::Full);
        }
        self.last_id += 1;
        let order = Order { id: self.last_id, item: item.to_owned(), quantity: wanted.quantity };
        let orders = self.users.entry(user.to_owned()).or_default();
        orders.push_front(order.clone());
        orders.truncate(MAX_ORDERS);
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(item: &str, quantity: u32) -> NewOrder {
        NewOrder { item: item.to_owned(), quantity }
    }

    #[test]
    fn each_user_sees_their_own_orders_newest_first() {
        let mut book = Book::default();
        for (user, item) in [("alice", "gate"), ("bob", "key"), ("alice", "hinge")] {
            book.place(user, &wanted(item, 1)).expect("taken");
        }
        let items: Vec<String> = book.of("alice").into_iter().map(|order| order.item).collect();
        assert_eq!(items, ["hinge", "gate"]);
        assert_eq!(book.of("carol"), []);
    }

    #[test]
    fn the_book_is_bounded_per_user_and_in_users() {
        let mut book = Book::default();
        for _ in 0..=MAX_ORDERS {
            book.place("alice", &wanted("gate", 1)).expect("taken");
        }
        assert_eq!(book.of("alice").len(), MAX_ORDERS);
        assert_eq!(book.of("alice").last().map(|oldest| oldest.id), Some(2));
        for user in 1..MAX_USERS {
            book.place(&user.to_string(), &wanted("gate", 1)).expect("taken");
        }
        assert_eq!(book.place("one more", &wanted("gate", 1)), Err(OrderError::Full));
        assert!(book.place("alice", &wanted("gate", 1)).is_ok(), "who is in stays in");
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused() {
        let mut book = Book::default();
        let long = "x".repeat(MAX_ITEM_CHARS + 1);
        for item in ["", "  ", "a\nb", "\u{0}", &long] {
            assert_eq!(book.place("alice", &wanted(item, 1)), Err(OrderError::Item), "{item:?}");
        }
        for quantity in [0, MAX_QUANTITY + 1, u32::MAX] {
            assert_eq!(book.place("alice", &wanted("gate", quantity)), Err(OrderError::Quantity));
        }
        assert_eq!(book.of("alice"), []);
    }
}

//! Owns: walking every order of events, for tests: a tree of choices, depth-first, one path after the
//! other, each from its root.

/// A walk through a tree of which nobody knows more than was walked. Who walks says at each fork how many
/// ways there are, and does the same again as long as it goes the same ways.
#[derive(Debug, Default)]
pub struct Walk {
    trail: Vec<Fork>,
    depth: usize,
    paths: usize,
}

#[derive(Debug)]
struct Fork {
    way: usize,
    ways: usize,
}

impl Walk {
    /// Goes back to the root, for the next path; `false` once all were walked.
    pub fn next_path(&mut self) -> bool {
        if self.paths > 0 {
            while self.trail.last().is_some_and(|fork| fork.way + 1 == fork.ways) {
                self.trail.pop();
            }
            let Some(fork) = self.trail.last_mut() else { return false };
            fork.way += 1;
        }
        self.depth = 0;
        self.paths += 1;
        true
    }

    /// Which of `ways` ways to go. Each of them is gone in the end.
    ///
    /// # Panics
    /// If there are none, or as many as there were not when this fork was met before.
    pub fn fork(&mut self, ways: usize) -> usize {
        assert_ne!(ways, 0, "a fork without a way");
        if self.is_new() {
            self.trail.push(Fork { way: 0, ways });
        }
        let way = self.trail.get(self.depth).map_or(0, |fork| {
            assert_eq!(ways, fork.ways, "what is walked does not repeat itself");
            fork.way
        });
        self.depth += 1;
        way
    }

    /// Whether nobody was here before: the next fork is met for the first time. Who knows that all behind
    /// it was walked from elsewhere may end the path here.
    pub fn is_new(&self) -> bool {
        self.depth == self.trail.len()
    }

    /// How many paths were begun.
    pub fn paths(&self) -> usize {
        self.paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Three steps of one and two of another, in order each.
    #[test]
    fn every_order_is_walked_once() {
        let (mut walk, mut seen) = (Walk::default(), BTreeSet::new());
        while walk.next_path() {
            let (mut left, mut order) = ([("a", 3), ("b", 2)], String::new());
            loop {
                let open: Vec<_> = left.iter_mut().filter(|(_, count)| *count > 0).collect();
                if open.is_empty() {
                    break;
                }
                let way = walk.fork(open.len());
                let (name, count) = open.into_iter().nth(way).unwrap();
                *count -= 1;
                order.push_str(name);
            }
            assert!(seen.insert(order), "walked twice");
        }
        assert_eq!((seen.len(), walk.paths()), (10, 10));
    }

    #[test]
    fn a_path_may_end_where_nobody_was_before() {
        let (mut walk, mut ends) = (Walk::default(), Vec::new());
        while walk.next_path() {
            let first = walk.fork(3);
            if first == 1 && walk.is_new() {
                continue;
            }
            ends.push((first, walk.fork(2)));
        }
        assert_eq!(ends, [(0, 0), (0, 1), (2, 0), (2, 1)]);
    }

    #[test]
    #[should_panic(expected = "does not repeat itself")]
    fn what_differs_from_path_to_path_is_no_tree() {
        let mut walk = Walk::default();
        for ways in 2..4 {
            assert!(walk.next_path());
            walk.fork(ways);
        }
    }
}

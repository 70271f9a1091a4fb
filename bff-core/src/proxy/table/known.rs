//! Owns: whether `bff.yaml` tells of what `routes.yaml` injects.

use shell::config::Settings;

use super::RouteTable;
use crate::config::ContextSettings;

impl RouteTable {
    /// Notes in `settings` the values that no source of the user context tells.
    pub(crate) fn know(&self, context: &ContextSettings, settings: &mut Settings) {
        for route in &self.routes {
            let values = route.injection.iter().flat_map(|injection| injection.user_values());
            for name in values.filter(|name| context.place(name).is_none()) {
                settings.problem(
                    &format!("routes.yaml: route {}", route.id),
                    &format!("injects user.{name}, which no source of user_context tells"),
                    "Let a source in bff.yaml map it, or correct the name.",
                );
            }
        }
    }
}

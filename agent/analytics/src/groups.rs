//! Groups of classes that a detector confuses with one another: what is called a car in one frame may be called a
//! truck in the next, yet it never becomes a person.

use forewarn_domain::Class;

/// Classes that may be one and the same subject. A class in no list forms a group of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassGroups {
    groups: Vec<Vec<Class>>,
}

impl Default for ClassGroups {
    /// Motor vehicles with four and more wheels, and two-wheelers.
    fn default() -> Self {
        let group = |names: &[&str]| names.iter().map(|name| Class::new(name)).collect();
        Self { groups: vec![group(&["car", "truck", "bus", "van"]), group(&["bicycle", "motorcycle"])] }
    }
}

impl ClassGroups {
    /// Groups as listed; a class that stands in two lists belongs to the first.
    pub fn new(groups: Vec<Vec<Class>>) -> Self {
        Self { groups }
    }

    /// Whether a class has others in its group, as each vehicle has.
    pub fn has_several(&self, class: &Class) -> bool {
        self.groups.iter().any(|group| group.len() > 1 && group.contains(class))
    }

    /// The class that stands for the whole group of `class`: the first of its list, or the class itself.
    pub fn key(&self, class: &Class) -> Class {
        let group = self.groups.iter().find(|group| group.contains(class));
        group.and_then(|group| group.first()).unwrap_or(class).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vehicles_are_one_group_and_people_another() {
        let groups = ClassGroups::default();
        let key = |name: &str| groups.key(&Class::new(name));
        assert_eq!(key("truck"), key("car"));
        assert_eq!(key("bicycle"), key("motorcycle"));
        assert_ne!(key("person"), key("car"));
        assert_ne!(key("dog"), key("cat"));
    }
}

//! Between which loads the edge is.

/// The smallest distance of a bracket's ends that is looked at next, as a logarithm of the load.
const LEAST: f64 = 0.1;
/// The smallest number of trials for a line. Fewer are on one side by chance.
pub(super) const ENOUGH: usize = 3;
/// Loads whose logarithms differ by less are the same.
pub(super) const SAME: f64 = 1e-9;
/// An edge that the trials see further than this outside the bracket moves it, as a logarithm of the load.
const OUTSIDE: f64 = 0.2;

/// Which side of the edge a trial is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// All demands held.
    Below,
    /// One did not.
    Above,
}

/// The ends between which the edge is, by the short trials; long trials may show that it is elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Bracket {
    /// The logarithm of the highest load that held.
    pub(super) below: Option<f64>,
    /// The logarithm of the lowest load that did not.
    pub(super) above: Option<f64>,
    /// The logarithms of the loads of long trials, and their sides.
    long: Vec<(f64, Side)>,
}

impl Bracket {
    /// Notes the side of a short trial.
    pub(super) fn decided(&mut self, load: f64, side: Side) {
        match side {
            Side::Below => self.below = Some(self.below.map_or(load, |below| below.max(load))),
            Side::Above => self.above = Some(self.above.map_or(load, |above| above.min(load))),
        }
    }

    /// Notes the side of a long trial, and where all of them see the edge. If they are all on one side of that edge, and it is not
    /// near the bracket, a short trial was wrong: then the bracket moves to the other side, and becomes twice as wide.
    pub(super) fn measured(&mut self, load: f64, side: Side, edge: Option<f64>) {
        self.long.push((load, side));
        if edge.is_none() && self.long.len() < ENOUGH {
            return;
        }
        let (Some(below), Some(above)) = (self.below, self.above) else {
            return;
        };
        let loads = || self.long.iter().map(|(load, _)| *load);
        let (lowest, highest) = (loads().fold(load, f64::min), loads().fold(load, f64::max));
        let width = 2.0 * (above - below).max(LEAST);
        match self.all() {
            Some(Side::Below) if edge.is_none_or(|edge| edge > above + OUTSIDE) => {
                (self.below, self.above) = (Some(highest), Some(highest + width));
            }
            Some(Side::Above) if edge.is_none_or(|edge| edge < below - OUTSIDE) => {
                (self.below, self.above) = (Some(lowest - width), Some(lowest));
            }
            _ => {}
        }
    }

    /// Lets the sides of the long trials speak, because no line can be fitted to them.
    pub(super) fn by_sides(&mut self) {
        let fails = self.tried(Side::Above).reduce(f64::min);
        let holds = self.tried(Side::Below).reduce(f64::max);
        let (Some(fails), Some(holds)) = (fails, holds) else {
            return;
        };
        let (below, above) = self.beyond_doubt();
        let further = (holds - fails).max(LEAST);
        self.below = below.or(Some(fails - further));
        self.above = above.or(Some(holds + further));
    }

    /// The logarithms of the loads of long trials on this side.
    fn tried(&self, side: Side) -> impl Iterator<Item = f64> {
        let on = self.long.iter().filter(move |(_, on)| *on == side);
        on.map(|(load, _)| *load)
    }

    /// The highest load that held below all that failed, and the lowest that failed above all that held, by the long trials.
    fn beyond_doubt(&self) -> (Option<f64>, Option<f64>) {
        let fails = self.tried(Side::Above).reduce(f64::min);
        let holds = self.tried(Side::Below).reduce(f64::max);
        let below = |load: &f64| fails.is_none_or(|fails| *load < fails - SAME);
        let above = |load: &f64| holds.is_none_or(|holds| *load > holds + SAME);
        (
            self.tried(Side::Below).filter(below).reduce(f64::max),
            self.tried(Side::Above).filter(above).reduce(f64::min),
        )
    }

    /// The loads between which all long trials change sides, those that contradict each other included.
    pub(super) fn cliff(&self) -> Option<(f64, f64)> {
        let (below, above) = self.beyond_doubt();
        below.zip(above)
    }

    /// Whether a long trial held at a load above one that failed.
    pub(super) fn contradicts_itself(&self) -> bool {
        let fails = self.tried(Side::Above).reduce(f64::min);
        let holds = self.tried(Side::Below).reduce(f64::max);
        fails.zip(holds).is_some_and(|(fails, holds)| fails < holds)
    }

    /// The number of long trials.
    pub(super) fn trials(&self) -> usize {
        self.long.len()
    }

    /// The number of long trials within this distance from a load.
    pub(super) fn within(&self, load: f64, distance: f64) -> usize {
        let tried = self.long.iter().map(|(tried, _)| (tried - load).abs());
        tried.filter(|away| *away <= distance).count()
    }

    /// The side of all long trials, if there are two.
    fn all(&self) -> Option<Side> {
        let (_, first) = *self.long.first()?;
        let same = self.long.iter().all(|(_, side)| *side == first);
        (same && self.long.len() > 1).then_some(first)
    }

    /// Whether all long trials hold, and one was at this load or above; and the other way round.
    pub(super) fn all_hold_at(&self, load: f64) -> bool {
        self.all() == Some(Side::Below) && self.long.iter().any(|(tried, _)| *tried >= load)
    }

    pub(super) fn all_fail_at(&self, load: f64) -> bool {
        self.all() == Some(Side::Above) && self.long.iter().any(|(tried, _)| *tried <= load)
    }
}

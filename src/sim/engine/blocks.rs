//! KV blocks and the prefix cache.

use std::collections::BTreeMap;

/// The blocks of one job.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// Blocks in the cache, which other jobs may use as well.
    shared: Vec<u64>,
    /// Blocks that only this job has.
    own: u64,
    /// Full blocks of the prompt that were offered to the cache or came from it.
    offered: usize,
}

impl Holding {
    /// The number of blocks.
    pub(super) fn blocks(&self) -> u64 {
        self.shared.len() as u64 + self.own
    }
}

/// All KV blocks of an engine. A block is unused, a job's own, or in the cache; one in the cache is idle when no job
/// uses it, and idle blocks are given away when unused ones run out, the one that was used least recently first.
#[derive(Debug)]
pub(super) struct Blocks {
    total: u64,
    unused: u64,
    cache: BTreeMap<u64, Cached>,
    /// Idle blocks by the time they became so.
    idle: BTreeMap<u64, u64>,
    /// Counts the blocks that became idle.
    ticks: u64,
}

#[derive(Debug)]
enum Cached {
    /// The number of jobs, at least 1.
    UsedBy(u64),
    IdleSince(u64),
}

impl Blocks {
    pub(super) fn new(total: u64) -> Self {
        Blocks {
            total,
            unused: total,
            cache: BTreeMap::new(),
            idle: BTreeMap::new(),
            ticks: 0,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The number of blocks that no job holds.
    pub(super) fn free(&self) -> u64 {
        self.unused + self.idle.len() as u64
    }

    /// The number of these leading blocks that are in the cache, and the number of those that are idle.
    pub(super) fn find(&self, hashes: &[u64]) -> (usize, u64) {
        let found = hashes.iter().map_while(|hash| self.cache.get(hash));
        found.fold((0, 0), |(count, idle), block| match block {
            Cached::UsedBy(_) => (count + 1, idle),
            Cached::IdleSince(_) => (count + 1, idle + 1),
        })
    }

    /// Takes blocks that [`find`](Self::find) found.
    pub(super) fn reuse(&mut self, hashes: &[u64], holding: &mut Holding) {
        for hash in hashes {
            match self.cache.get_mut(hash) {
                Some(Cached::UsedBy(jobs)) => *jobs += 1,
                Some(block) => {
                    if let Cached::IdleSince(tick) = block {
                        self.idle.remove(tick);
                    }
                    *block = Cached::UsedBy(1);
                }
                None => return,
            }
            holding.shared.push(*hash);
            holding.offered += 1;
        }
    }

    /// Takes blocks until `holding` has `blocks`. If there are too few, takes none and returns false.
    pub(super) fn grow(&mut self, holding: &mut Holding, blocks: u64) -> bool {
        let more = blocks.saturating_sub(holding.blocks());
        if more > self.free() {
            return false;
        }
        while self.unused < more {
            let Some((_, hash)) = self.idle.pop_first() else {
                return false;
            };
            self.cache.remove(&hash);
            self.unused += 1;
        }
        self.unused -= more;
        holding.own += more;
        true
    }

    /// Puts the first `full` blocks of a prompt into the cache. If an equal block is there already, the job keeps its
    /// own.
    pub(super) fn offer(&mut self, hashes: &[u64], full: usize, holding: &mut Holding) {
        let full = full.min(hashes.len());
        while holding.offered < full {
            let hash = hashes[holding.offered];
            holding.offered += 1;
            self.cache.entry(hash).or_insert_with(|| {
                holding.own -= 1;
                holding.shared.push(hash);
                Cached::UsedBy(1)
            });
        }
    }

    /// Gives all blocks back. Of a job's blocks the last becomes idle first, because it is useful only together with
    /// those before it.
    pub(super) fn release(&mut self, holding: &mut Holding) {
        let Holding { shared, own, .. } = std::mem::take(holding);
        self.unused += own;
        for hash in shared.into_iter().rev() {
            let Some(block) = self.cache.get_mut(&hash) else {
                continue;
            };
            *block = match *block {
                Cached::UsedBy(jobs) if jobs > 1 => Cached::UsedBy(jobs - 1),
                _ => {
                    self.ticks += 1;
                    self.idle.insert(self.ticks, hash);
                    Cached::IdleSince(self.ticks)
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job that holds and caches these blocks.
    fn job(blocks: &mut Blocks, hashes: &[u64]) -> Holding {
        let mut holding = Holding::default();
        let (found, _) = blocks.find(hashes);
        blocks.reuse(&hashes[..found], &mut holding);
        assert!(blocks.grow(&mut holding, hashes.len() as u64));
        blocks.offer(hashes, hashes.len(), &mut holding);
        holding
    }

    #[test]
    fn a_shared_block_is_free_when_its_last_user_is_gone() {
        let mut blocks = Blocks::new(4);
        let mut first = job(&mut blocks, &[1, 2]);
        let mut second = job(&mut blocks, &[1, 3]);
        assert_eq!(blocks.free(), 1);
        blocks.release(&mut first);
        assert_eq!((blocks.free(), blocks.find(&[1, 2])), (2, (2, 1)));
        blocks.release(&mut second);
        assert_eq!((blocks.free(), blocks.find(&[1, 3])), (4, (2, 2)));
    }

    #[test]
    fn the_least_recently_used_block_goes_first() {
        let mut blocks = Blocks::new(4);
        let (mut old, mut new) = (job(&mut blocks, &[1, 2]), job(&mut blocks, &[3, 4]));
        blocks.release(&mut old);
        blocks.release(&mut new);
        // Using the old one again makes the new one the oldest.
        let mut again = job(&mut blocks, &[1]);
        blocks.release(&mut again);
        assert!(blocks.grow(&mut Holding::default(), 2));
        // 2 was idle the longest; of the new ones 4 goes before 3, without which it is of no use.
        for (hash, kept) in [(1, 1), (2, 0), (3, 1), (4, 0)] {
            assert_eq!(blocks.find(&[hash]).0, kept, "{hash}");
        }
    }

    #[test]
    fn too_few_blocks_are_not_taken_at_all() {
        let mut blocks = Blocks::new(3);
        let mut holding = Holding::default();
        assert!(blocks.grow(&mut holding, 2));
        assert!(!blocks.grow(&mut holding, 4));
        assert_eq!((holding.blocks(), blocks.free()), (2, 1));
    }

    #[test]
    fn a_block_whose_like_is_cached_stays_the_jobs_own() {
        let mut blocks = Blocks::new(3);
        let _first = job(&mut blocks, &[1]);
        let mut second = Holding::default();
        assert!(blocks.grow(&mut second, 1));
        blocks.offer(&[1], 1, &mut second);
        assert_eq!((second.blocks(), blocks.free()), (1, 1));
        blocks.release(&mut second);
        assert_eq!((blocks.free(), blocks.find(&[1])), (2, (1, 0)));
    }
}

//! What a death leaves behind, kept: cases go on from there instead of playing the beginning again.

use std::sync::{Arc, Mutex, PoisonError};

use lab1_flow_journal::MemoryJournal;

use super::case::Case;
use super::scene::Scene;
use super::story::{Act, Story};
use crate::testing::{Call, Ending, Holdings, Life, PausedClock};

/// Everything that survives a process, at one moment.
#[derive(Debug)]
pub(super) struct Picture<W> {
    /// Stopped.
    pub(super) clock: PausedClock,
    pub(super) world: W,
    pub(super) before: Arc<Holdings>,
    pub(super) image: MemoryJournal,
    pub(super) calls: Vec<Call>,
}

/// A moment of a story that cases go on from.
#[derive(Debug)]
pub(super) struct Place<W> {
    pub(super) story: Story,
    /// `None` when the world cannot be copied: then the story is played again.
    pub(super) picture: Option<Picture<W>>,
}

/// Photographs a life at those boundaries at which it might have died.
pub(super) struct Camera<W> {
    album: Arc<Mutex<Vec<Place<W>>>>,
}

impl<W: Send + Sync + 'static> Camera<W> {
    /// Takes a picture at every boundary of `life` that is `wanted`, of what would be left of `case` if the
    /// process, which carries out `act`, died there.
    pub(super) fn on<S: Scene<World = W>>(
        case: &Case<'_, S>,
        life: &Life,
        act: Act,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> Self {
        let album: Arc<Mutex<Vec<Place<W>>>> = Arc::default();
        let (scene, world, clock) = (case.scene(), Arc::clone(&case.world), case.clock.clone());
        let (before, lived) = (Arc::clone(&case.before), case.calls.clone());
        let (story, pictures, watched) = (case.story.clone(), Arc::clone(&album), life.watched());
        life.fuse().watch(Box::new(move |number| {
            let Some(life) = watched.upgrade().filter(|_| wanted(number)) else { return };
            let clock = clock.stopped();
            let picture = scene.copy(&world, &clock).map(|world| {
                let calls = lived.iter().cloned().chain(life.calls()).collect();
                let image = life.journal().durable();
                Picture { clock, world, before: Arc::clone(&before), image, calls }
            });
            let dead = Act { ending: Some(Ending::Death(number)), ..act };
            let place = Place { story: story.then(dead), picture };
            pictures.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        }));
        Self { album }
    }

    /// The pictures so far.
    pub(super) fn develop(&self) -> Vec<Place<W>> {
        std::mem::take(&mut self.album.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

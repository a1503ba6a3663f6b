//! The sets that are known, by the way in which their rows are read.

/// Sets that are read in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Turn 0 is the prompt, turn 1 sets the output length; perhaps with an `image`.
    Conversation,
    /// The path of the first message, and `images`.
    VisionArena(&'static [&'static str]),
    /// A question with its choices, about a video.
    Mmvu,
    /// Code and an instruction.
    InstructCoder,
    /// One field or part of one is the prompt.
    Text(&'static [&'static str]),
    /// Code, a change, and how far it goes.
    Blazedit,
    /// A problem; its solution sets the output length.
    Aimo,
    /// Edits of a user and an excerpt.
    NextEdit,
    /// A recording.
    Speech,
    /// A question before its options, about a picture.
    MmStar,
    /// A chat with tools.
    Bfcl,
}

/// A family with what holds unless the user says something else.
#[derive(Debug)]
pub(super) struct Known {
    ids: &'static [&'static str],
    pub(super) family: Family,
    pub(super) subset: Option<&'static str>,
    pub(super) split: Option<&'static str>,
    /// `None`: each row has its own.
    pub(super) output: Option<u64>,
}

const fn known(
    ids: &'static [&'static str],
    family: Family,
    split: &'static str,
    output: u64,
) -> Known {
    Known {
        ids,
        family,
        subset: None,
        split: Some(split),
        output: if output == 0 { None } else { Some(output) },
    }
}

static KNOWN: [Known; 15] = [
    known(
        &["lmarena-ai/VisionArena-Chat"],
        Family::VisionArena(&["conversation", "0", "0", "content"]),
        "train",
        128,
    ),
    known(
        &["lmarena-ai/vision-arena-bench-v0.1"],
        Family::VisionArena(&["turns", "0", "0", "content"]),
        "train",
        128,
    ),
    known(&["yale-nlp/MMVU"], Family::Mmvu, "validation", 128),
    known(
        &["likaixin/InstructCoder"],
        Family::InstructCoder,
        "train",
        200,
    ),
    known(
        &["philschmid/mt-bench"],
        Family::Text(&["turns", "0"]),
        "train",
        256,
    ),
    known(
        &["openai/openai_humaneval"],
        Family::Text(&["prompt"]),
        "test",
        256,
    ),
    Known {
        subset: Some("main"),
        ..known(&["openai/gsm8k"], Family::Text(&["question"]), "test", 256)
    },
    Known {
        split: None,
        ..known(
            &["lmms-lab/LLaVA-OneVision-Data"],
            Family::Conversation,
            "",
            0,
        )
    },
    Known {
        split: None,
        ..known(
            &["Aeala/ShareGPT_Vicuna_unfiltered"],
            Family::Conversation,
            "",
            0,
        )
    },
    known(
        &[
            "AI-MO/aimo-validation-aime",
            "AI-MO/NuminaMath-1.5",
            "AI-MO/NuminaMath-CoT",
        ],
        Family::Aimo,
        "train",
        0,
    ),
    known(&["zed-industries/zeta"], Family::NextEdit, "train", 0),
    known(
        &[
            "openslr/librispeech_asr",
            "facebook/voxpopuli",
            "LIUM/tedlium",
            "edinburghcstr/ami",
            "speechcolab/gigaspeech",
            "kensho/spgispeech",
            "D4nt3/esb-datasets-earnings22-validation-tiny-filtered",
        ],
        Family::Speech,
        "train",
        1024,
    ),
    known(
        &["vdaita/edit_5k_char", "vdaita/edit_10k_char"],
        Family::Blazedit,
        "train",
        4000,
    ),
    known(&["Lin-Chen/MMStar"], Family::MmStar, "val", 128),
    known(
        &["gorilla-llm/Berkeley-Function-Calling-Leaderboard"],
        Family::Bfcl,
        "train",
        512,
    ),
];

/// The family of an id.
pub(super) fn known_of(id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.ids.contains(&id))
}

/// All ids that are known.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|known| known.ids.iter().copied())
}

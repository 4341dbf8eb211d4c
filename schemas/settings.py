"""Settings: the only reader of the environment. Every name starts with `ROXY_`; an unknown one is an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from schemas.answering_settings import Endpoint, EndpointResumes, Experiment, Length, Price, RouteRule
from schemas.errors import InvalidSetting
from schemas.events import Tenant, Tier

PREFIX = "ROXY_"
Placement = Literal["topic", "lane"]
Role = Literal["ask", "ingest", "operate"]


class ApiKey(BaseModel):
    """One entry of ROXY_API_KEYS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: SecretStr
    tenant: Tenant = "default"
    subject: str = "anonymous"
    roles: tuple[Role, ...] = ("ask",)


def _home(kind: str, fallback: str) -> Path:
    """The user's folder of a kind, by the XDG base directory specification."""
    return Path(os.environ.get(kind) or Path.home() / fallback) / "roxy"


class Settings(BaseSettings):
    """What a Roxy process can be told. Frozen: read once at the composition root, passed down by argument."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # Where things lie
    state_dir: Path = Field(
        default_factory=lambda: _home("XDG_STATE_HOME", ".local/state"), description="Broker data, pidfiles and logs of `roxy up`."
    )
    cache_dir: Path = Field(default_factory=lambda: _home("XDG_CACHE_HOME", ".cache"), description="Downloads: Kafka's jars and built test servers.")

    # Kafka
    kafka_bootstrap: str | None = Field(None, description="host:port[,host:port…] of an outside cluster. Unset: the local broker of `roxy up`.")
    kafka_port: int = Field(
        9092, ge=1, le=65535, description="First port of the local broker; further brokers and controllers take the ports after it."
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field("PLAINTEXT", description="Security protocol of the cluster.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="SASL mechanism, where the protocol has SASL."
    )
    kafka_username: str | None = Field(None, description="SASL user name.")
    kafka_password: SecretStr | None = Field(None, description="SASL password.")
    kafka_ca_file: Path | None = Field(None, description="Certificate authority, PEM.")
    kafka_cert_file: Path | None = Field(None, description="Client certificate for mutual TLS, PEM.")
    kafka_key_file: Path | None = Field(None, description="Key of the client certificate, PEM.")
    kafka_replicas: int = Field(1, ge=1, description="Replication factor of the topics that Roxy creates.")
    kafka_min_insync: int = Field(1, ge=1, description="min.insync.replicas of the topics that Roxy creates.")
    partitions: int = Field(8, ge=1, description="Partitions of each keyed topic: the most workers that can share its work.")

    # Sessions
    session_placement: Placement = Field("topic", description="Where a new session's records lie: a topic of its own, or a lane of `sessions`.")
    session_lanes: int = Field(8, ge=1, description="Partitions of the shared `sessions` topic: choose it once, an id tells the lane.")
    session_retention_hours: int = Field(720, ge=1, description="How long a session's records are kept.")

    # API
    api_host: str = Field("127.0.0.1", description="Address to listen on. Without API keys only loopback is allowed.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port to listen on; further API processes of `roxy up` take the ports after it.")
    api_keys: tuple[ApiKey, ...] = Field(
        (), description='JSON list: [{"key": "…", "tenant": "…", "subject": "…", "roles": ["ask", "ingest", "operate"]}].'
    )
    cursor_secret: SecretStr | None = Field(None, description="Key that signs cursors; the same for all API processes. `roxy up` makes one.")
    max_query_chars: int = Field(8_000, ge=1, description="Longest question, in characters.")
    max_document_bytes: int = Field(10 * 1024 * 1024, ge=1, description="Largest document, in bytes.")
    sse_heartbeat_s: float = Field(10.0, gt=0, le=15, description="Seconds between comment heartbeats on a quiet stream.")
    sse_retry_ms: int = Field(1_000, ge=0, description="The `retry:` that SSE clients are told, in milliseconds.")
    sse_idle_s: float = Field(1_800.0, gt=0, description="A stream without a record for this long is ended, with a cursor to come back with.")
    sse_queue_records: int = Field(2_000, ge=1, description="Records that may wait for one slow reader before its connection is ended.")
    sse_max_per_principal: int = Field(2_000, ge=1, description="Open streams per principal.")
    sse_max: int = Field(10_000, ge=1, description="Open streams of one API process; 500 of the file handles that it may have are left for the rest.")
    max_unanswered: int = Field(
        128, ge=1, description="Questions of one API process that wait for the end of their answer, from which on it answers 503. Tenants share them."
    )
    max_lag_s: float = Field(1.0, gt=0, description="An API process that is late by so many seconds takes no questions and no new streams.")
    questions_per_min: dict[str, int] = Field(
        default_factory=dict,
        description='JSON: questions a minute that an API process takes of a tenant; "*" is every other one: {"acme": 600, "*": 60}. '
        "A sixth of them may come at once.",
    )
    drain_s: float = Field(10.0, ge=0, description="Seconds that a process told to stop gives its open work.")

    # Documents
    chunker: str = Field(
        "auto",
        description="auto | structure | fixed | whole | semantic | log; or JSON by content type: "
        '{"text/x-log": "log", "*": "structure"}. auto: log for logs, else structure.',
    )
    chunk_tokens: int = Field(400, ge=10, description="Longest chunk, in tokens.")
    chunk_overlap: int = Field(80, ge=0, description="Tokens that neighbouring chunks share.")
    chunk_min_tokens: int = Field(100, ge=0, description="A shorter chunk is joined to its neighbour.")
    embedder: str = Field("auto", description="auto | none | sentence-transformers:<model>. auto: sentence-transformers if installed, else none.")
    embedding_cache: bool = Field(True, description="Keep vectors by model and text in the state folder, so that a text is embedded once.")

    # Index
    vector_index: str = Field("usearch", description="usearch | weaviate | none.")
    keyword_index: str = Field("tantivy", description="tantivy | rank_bm25 | weaviate | none.")
    weaviate_url: str | None = Field(None, description="http://host:port of an outside Weaviate. Unset: the local one of `roxy up --weaviate`.")
    weaviate_port: int = Field(8080, ge=1, le=65535, description="Port of the local Weaviate.")
    weaviate_grpc_port: int = Field(50051, ge=1, le=65535, description="gRPC port of Weaviate; the local one also takes the four after it.")
    weaviate_key: SecretStr | None = Field(None, description="API key of an outside Weaviate.")
    snapshot_s: float = Field(300.0, ge=0, description="Seconds between snapshots of a worker's index; 0: none.")
    search_timeout_s: float = Field(2.0, gt=0, description="Longest time that one part of the index may take for one question.")
    breaker_failures: int = Field(3, ge=1, description="Failures in a row after which a part of the index, or a language model, is left alone.")
    breaker_reset_s: float = Field(5.0, gt=0, description="Seconds after which what was left alone is tried again.")

    # Retrieval
    top_k: int = Field(6, ge=1, le=100, description="Chunks retrieved for a question.")
    candidates: int = Field(200, ge=1, le=1_000, description="Hits taken from each index before fusion.")
    fusion: Literal["weighted", "rrf"] = Field("weighted", description="weighted: sum of normalised scores; rrf: reciprocal rank fusion.")
    keyword_weight: float = Field(0.5, ge=0, le=1, description="Weight of the keywords in the sum; the vectors have the rest.")
    feedback_chunks: int = Field(3, ge=0, le=50, description="Nearest chunks that the question's vector is moved towards; 0: none.")
    feedback_weight: float = Field(0.3, ge=0, le=2, description="How far: weight of their mean beside the question's own vector.")
    smoothing: float = Field(0.2, ge=0, le=1, description="Share of a chunk's score that is taken from the candidates most like it; 0: off.")
    chunk_votes_weight: float = Field(
        0.0, ge=0, lt=1, description="How much votes on a chunk move its score: at most by this share, up or down; 0: they do not count."
    )
    reranker: str = Field("none", description="none | cross-encoder:<model>.")
    rerank_chunks: int = Field(30, ge=1, le=200, description="Best chunks that the reranker looks at.")
    diversity: float = Field(0.0, ge=0, le=1, description="Maximal marginal relevance: weight of being unlike those before; 0: off.")
    neighbours: int = Field(0, ge=0, le=5, description="Chunks before and behind each one found whose text is joined to it.")
    near_duplicate: float = Field(0.85, ge=0, le=1, description="Share of words in a row that two chunks have in common to count as one; 0: off.")
    context_tokens: int = Field(3_000, ge=50, description="Longest context that a question's chunks make together, in tokens.")
    result_cache_s: float = Field(
        3_600.0, ge=0, description="Seconds that results are kept for the same question at the same index position; 0: off."
    )
    terms_file: Path | None = Field(None, description='JSON file of acronyms and terms of your own: {"ISR": ["in-sync replica"]}.')

    # Answers
    language_model: str = Field("extractive", description="extractive | ollama:<model> | openai:<model> | scripted:<JSON of its script>.")
    ollama_url: str = Field("http://127.0.0.1:11434", description="Address of the Ollama server.")
    ollama_key: SecretStr | None = Field(None, description="Key of the Ollama server, if it asks for one.")
    ollama_context: int = Field(8_192, ge=256, description="Tokens that prompt and answer may have together at the Ollama server.")
    openai_url: str = Field("https://api.openai.com/v1", description="Address of the OpenAI-compatible endpoint, its version included.")
    openai_key: SecretStr | None = Field(None, description="Key of the OpenAI-compatible endpoint.")
    endpoints: dict[str, Endpoint] = Field(
        default_factory=dict,
        description='JSON: further servers by name: {"own": {"url": "http://host:port/v1", "key": "…", "resumes": "prefix"}}. All but url may be '
        "left out, as may length, which is as ROXY_OPENAI_LENGTH. Their models are openai@own:<model>, or ollama@own:<model>.",
    )
    openai_length: Length = Field(
        "auto",
        description="Name under which the endpoint is told ROXY_MODEL_MAX_TOKENS. "
        "auto: max_completion_tokens at OpenAI's own address, max_tokens elsewhere.",
    )
    model_temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        description="How freely the model chooses its words; 0: the likeliest each time. Unset: 0, but left out beside max_completion_tokens.",
    )
    model_max_tokens: int = Field(1_024, ge=1, description="Longest answer, in the model's tokens.")
    model_seed: int | None = Field(None, description="Seed of the model's choices, where its server knows one.")
    model_resumes: EndpointResumes = Field(
        "auto", description="How an answer that lost its worker goes on: behind what is out, or anew. auto: prefix for ollama, restart for openai."
    )
    model_connect_s: float = Field(5.0, gt=0, description="Longest time to connect to the model's server.")
    model_first_token_s: float = Field(60.0, gt=0, description="Longest time to the first token, loading the model included.")
    model_between_tokens_s: float = Field(20.0, gt=0, description="Longest time between two tokens.")
    model_total_s: float = Field(110.0, gt=0, description="Longest time of one answer; less than ROXY_STEP_TIMEOUT_S, so that it is tried again.")

    model_concurrency: int = Field(64, ge=1, description="Answers that a worker lets one model write at a time; tenants take turns.")

    # Which model, in what words
    tiers: dict[Tier, str] = Field(
        default_factory=dict,
        description='JSON: a model for each tier that a question may be routed to: {"small": "ollama:<model>", "large": "openai:<model>"}. '
        "A tier without one is answered by the next larger one that has one. None: ROXY_LANGUAGE_MODEL answers all.",
    )
    fallback_models: tuple[str, ...] = Field(
        (),
        max_length=7,
        description='JSON list of models that answer, in this order, when the one that should have failed: ["ollama:<model>", "extractive"].',
    )
    sibling_models: tuple[str, ...] = Field((), description="JSON list of further models that another answer to a question may be asked of.")
    routing: bool = Field(True, description="Choose the tier by ROXY_ROUTES, where ROXY_TIERS are set; off: ROXY_LANGUAGE_MODEL answers all.")
    routes: tuple[RouteRule, ...] = Field(
        (),
        description="JSON list of rules that say which tier answers which question, instead of the built-in ones.",
    )
    experiments: tuple[Experiment, ...] = Field((), description="JSON list of experiments: settings that hold for a share of the sessions.")
    experimenting: bool = Field(True, description="Let ROXY_EXPERIMENTS hold for new questions; off: all are answered as the other settings say.")
    prompt: str = Field("answer.v1", description="Name of the prompt's template; `roxy prompts list` lists them.")
    prompts_dir: Path | None = Field(
        None, description="Folder of templates of your own: <name>.md. One named as one that Roxy brings stands in for it."
    )
    tokenizer_file: Path | None = Field(
        None, description="tokenizer.json of the model, to count its tokens exactly: extra `tokenizer`. Unset: estimated from words and signs."
    )
    prompt_tokens: int = Field(
        4_000, ge=200, description="Longest prompt, in tokens: instructions, context, conversation and question together. A longer one is shortened."
    )
    history_turns: int = Field(
        5, ge=0, le=50, description="Last turns of the session that a model is told as they were; older ones in a line each. 0: none of them."
    )
    prices: dict[str, Price] = Field(
        default_factory=dict, description='JSON: price of a million tokens by model: {"openai:<model>": {"prompt": 2.5, "completion": 10}}.'
    )
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="Currency of ROXY_PRICES.")

    # Answers given again
    answer_cache: bool = Field(True, description="Give an answer again to the same question, as long as the index, model and prompt are the same.")
    answer_cache_s: float = Field(86_400.0, gt=0, description="Seconds that an answer may be given again.")
    semantic_cache: bool = Field(False, description="Give an answer again to a question that means the same too. Needs an embedder.")
    semantic_threshold: float = Field(
        0.95, ge=0, le=1, description="Cosine from which on two questions that differ only in words that ask count as meaning the same."
    )

    # Quality
    refusals: bool = Field(True, description="Say that the documents do not hold the answer, without asking a model, where they very likely do not.")
    refuse_below: float = Field(0.3, ge=0, le=1, description="Confidence in what was retrieved under which ROXY_REFUSALS holds.")
    screening: bool = Field(True, description="Take what speaks to the model out of retrieved chunks, and say so in the events.")
    self_check: bool = Field(False, description="Let the model read its own draft once more against the chunks; the first token comes later.")
    moderator: str = Field("none", description="none | words:<file> | openai:<model>. Who looks at questions and answers.")
    moderator_timeout_s: float = Field(3.0, gt=0, description="Longest time that the moderator may take for one text.")
    moderation_required: bool = Field(False, description="Answer nothing while the moderator is away, instead of answering without it.")
    unread_cancel_min: float = Field(0.0, ge=0, description="Minutes without a reader of its session after which an answer is cancelled; 0: never.")

    # Feedback
    implicit_weight: float = Field(
        0.0, ge=0, le=1, description="Weight of pairs that come from what people did (copied, opened a source) instead of said; 0: none are formed."
    )

    export_secret: SecretStr | None = Field(
        None, description="Key of the hashes that stand for raters in exports. Without one, a name that is guessed can be confirmed."
    )

    # Insights
    insights_days: int = Field(
        2, ge=0, le=30, description="Days before today for which insights are kept up, with today, on topic `insights` and so over HTTP."
    )
    insights_every_s: float = Field(5.0, ge=0, description="Seconds between two looks at which of these figures have changed; 0: none are kept up.")

    # Workers
    consumer_group: str = Field("roxy", description="Consumer group of the Faust agents.")
    worker_health_port: int = Field(0, ge=0, le=65535, description="Port of the worker's /health and /metrics, on loopback; 0: none.")
    session_timeout_s: float = Field(8.0, ge=6, description="A worker that is silent for this long is replaced.")
    concurrency: int = Field(128, ge=1, description="Records that one agent works on at a time; more than ROXY_MODEL_CONCURRENCY.")
    step_tries: int = Field(4, ge=1, description="Tries of a step that fails with what may pass.")
    step_timeout_s: float = Field(120.0, gt=0, description="Longest time that one record may take.")

    # Command line
    url: str | None = Field(
        None, description="Address of the API for `roxy ask` and `roxy tail`; several, with commas: the next is tried when one is away."
    )
    key: SecretStr | None = Field(None, description="API key for `roxy ask` and `roxy tail`.")

    # Observability
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line that is logged.")
    traces: Literal["none", "file", "otlp"] = Field(
        "none", description="Where spans go: nowhere, JSON lines in the state folder, or an OTLP collector (OTEL_EXPORTER_OTLP_… apply)."
    )

    @property
    def bootstrap(self) -> str:
        """Address of the cluster: the outside one, else the local broker's."""
        return self.kafka_bootstrap or f"127.0.0.1:{self.kafka_port}"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises InvalidSetting for a value that does not fit and for an unknown `ROXY_` name, which pydantic-settings lets pass.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise InvalidSetting(f"Unknown setting {', '.join(unknown)}.")
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSetting(_first_problem(error)) from error
    except SettingsError as error:  # names the field in its text only: 'error parsing value for field "api_keys" …'
        raise InvalidSetting(f"{PREFIX}{_quoted(error).upper()}: not valid JSON.") from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    name, *within = (str(part) for part in problem["loc"])
    return f"{PREFIX}{name.upper()}{''.join(f', {part}' for part in within)}: {problem['msg']}."


def _quoted(error: SettingsError) -> str:
    return str(error).split('"')[1]

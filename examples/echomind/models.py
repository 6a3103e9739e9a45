"""The models of the API, in SQLAlchemy. `godwit new --autogenerate` writes the migration that they need."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL, UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def key(kind=Integer):
    return Column(kind, Identity(always=False), primary_key=True)


def now():
    return Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))


def belongs(to, ondelete="CASCADE", **more):
    return Column(ForeignKey(to, ondelete=ondelete), **{"nullable": False, **more})


class User(Base):
    __tablename__ = "users"
    id = key()
    email = Column(String(255), nullable=False, unique=True)
    external_id = Column(String(255), nullable=False, unique=True)
    name = Column(String(255))
    created_at = now()
    updated_at = now()


class Connector(Base):
    __tablename__ = "connectors"
    id = key()
    user_id = belongs("users.id")
    type = Column(String(50), nullable=False)
    name = Column(String(255), nullable=False)
    status = Column(String(50), nullable=False, server_default="pending")
    config = Column(JSONB)
    created_at = now()
    __table_args__ = (
        CheckConstraint("status in ('pending', 'syncing', 'active', 'error')", name="connectors_status_check"),
        Index("connectors_user_id_idx", "user_id"),
    )


class Document(Base):
    __tablename__ = "documents"
    id = key(BigInteger)
    connector_id = belongs("connectors.id")
    source_id = Column(String(512), nullable=False)
    title = Column(Text)
    mime_type = Column(String(255), nullable=False)
    size_bytes = Column(BigInteger)
    content_hash = Column(String(64))
    fetched_at = now()
    __table_args__ = (
        UniqueConstraint("connector_id", "source_id", name="documents_connector_id_source_id_key"),
        Index("documents_content_hash_idx", "content_hash"),
    )


class Assistant(Base):
    __tablename__ = "assistants"
    id = key()
    owner_id = belongs("users.id", nullable=True)
    name = Column(String(255), nullable=False)
    instructions = Column(Text, nullable=False, server_default="")
    temperature = Column(Numeric(3, 2), nullable=False, server_default=text("0.2"))
    __table_args__ = (
        CheckConstraint("temperature between 0 and 2", name="assistants_temperature_check"),
        Index("assistants_owner_id_idx", "owner_id"),
    )


class ChatSession(Base):
    __tablename__ = "chat_sessions"
    id = key(BigInteger)
    user_id = belongs("users.id")
    assistant_id = belongs("assistants.id", ondelete="RESTRICT")
    title = Column(String(255))
    created_at = now()
    __table_args__ = (Index("chat_sessions_user_id_created_at_idx", "user_id", "created_at"),)


class ChatMessage(Base):
    __tablename__ = "chat_messages"
    id = key(BigInteger)
    session_id = belongs("chat_sessions.id")
    role = Column(String(20), nullable=False)
    content = Column(Text, nullable=False)
    created_at = now()
    __table_args__ = (
        CheckConstraint("role in ('user', 'assistant', 'system')", name="chat_messages_role_check"),
        Index("chat_messages_session_id_id_idx", "session_id", "id"),
    )


class EmbeddingModel(Base):
    __tablename__ = "embedding_models"
    id = key()
    name = Column(String(255), nullable=False, unique=True)
    dimensions = Column(Integer, nullable=False)


class DocumentChunk(Base):
    __tablename__ = "document_chunks"
    id = key(BigInteger)
    document_id = belongs("documents.id")
    embedding_model_id = belongs("embedding_models.id", ondelete=None)
    position = Column(Integer, nullable=False)
    vector_id = Column(UUID, nullable=False, unique=True)
    embedded_at = now()
    __table_args__ = (
        UniqueConstraint("document_id", "embedding_model_id", "position", name="document_chunks_place_key"),
    )


class MessageCitation(Base):
    __tablename__ = "message_citations"
    message_id = belongs("chat_messages.id", primary_key=True)
    chunk_id = belongs("document_chunks.id", primary_key=True)
    score = Column(REAL)
    __table_args__ = (Index("message_citations_chunk_id_idx", "chunk_id"),)

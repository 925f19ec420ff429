"""Django's settings, from :mod:`eclectyc.configuration`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from eclectyc.configuration import create_home, load, secret_key

CONFIGURATION = load()
HOME = CONFIGURATION.home
create_home(HOME)

SECRET_KEY = CONFIGURATION.secret_key or secret_key(HOME)
DEBUG = CONFIGURATION.debug
ALLOWED_HOSTS = CONFIGURATION.allowed_hosts or ["localhost", "127.0.0.1", "[::1]"]
ADMIN_EMAIL = CONFIGURATION.admin_email
LAKE_URL = CONFIGURATION.lake_url
LAKE_BUCKETS = CONFIGURATION.lake_buckets
DASK_SCHEDULER = CONFIGURATION.dask_scheduler
DEFAULT_SITE_ZONE = CONFIGURATION.time_zone
TOKEN_REQUESTS_PER_MINUTE = CONFIGURATION.token_requests_per_minute
FAILED_TOKENS_PER_MINUTE = 30  # from one address
PUBLIC_ADDRESS = CONFIGURATION.address

DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIGURATION.mail_sender
EMAIL_TIMEOUT = 15  # [s]
if (_mail := CONFIGURATION.mail_server) is not None:
    EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.tls == "starttls", _mail.tls == "ssl"
else:
    EMAIL_BACKEND = "eclectyc.mail.file_backend.FolderBackend"


def _sqlite(path: str) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 60,  # opening costs as much as several queries, and the last to close copies the whole log back
        # Without these, concurrent small transactions fail with "database is locked".
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


def _postgresql(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = str(options.pop("host", "") or unquote(parts.hostname or ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _database(url: str, home: Path) -> dict[str, object]:
    if url.startswith("sqlite:///"):
        return _sqlite(url.removeprefix("sqlite:///"))
    return _postgresql(url) if url else _sqlite(str(home / "eclectyc.sqlite3"))


DATABASES = {"default": _database(CONFIGURATION.database_url, HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "eclectyc.audit",
    "eclectyc.mail",
    "eclectyc.jobs",
    "eclectyc.api",  # with the documentation page that django-ninja ships
    "eclectyc.accounts",
    "eclectyc.estate",
    "eclectyc.lake",
    "eclectyc.batches",
    "eclectyc.derived",
    "eclectyc.registers",
    "eclectyc.intake",
    "eclectyc.gas",
    "eclectyc.privacy",
    "eclectyc.operations",
    "eclectyc.web",  # before allauth: our pages, not its
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads responses, so that their length reveals nothing
    "eclectyc.web.security.content_security_policy",
    "eclectyc.api.errors.speak_json",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "eclectyc.accounts.request_actor.attach_actor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "eclectyc.urls"
WSGI_APPLICATION = "eclectyc.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "eclectyc.web.context.frame",
            ],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
PASSWORD_RESET_TIMEOUT = 2 * 3600  # [s]
SESSION_COOKIE_AGE = CONFIGURATION.session_hours * 3600
SESSION_IDLE_S = CONFIGURATION.session_idle_minutes * 60
TRUSTED_PROXIES = CONFIGURATION.proxies
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIGURATION.https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "eclectyc.web.errors.csrf_failure"
if CONFIGURATION.https:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600

# django-allauth signs people in, behind our own forms and pages; the rate limits are ours (accounts.rate_limit).
ACCOUNT_ADAPTER = "eclectyc.accounts.allauth_adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "eclectyc.accounts.second_factor.SecondFactorAdapter"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute wrong
MFA_RECOVERY_CODE_DIGITS = 10
MFA_RATE_LIMITS = False
SECOND_FACTOR_OF = CONFIGURATION.second_factor  # operators, everybody; empty: as organisations require
USERSESSIONS_TRACK_ACTIVITY = False  # it would write at every request; accounts.sessions writes once a minute
SOCIALACCOUNT_ADAPTER = "eclectyc.accounts.allauth_adapter.ProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # it only leads to the provider; the answer is bound to this browser
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, list[dict[str, object]]]] = {"openid_connect": {"APPS": []}}
OIDC_NAME = ""
OIDC_DOMAINS = frozenset(CONFIGURATION.oidc_domains)  # their people get an account when they first sign in
OIDC_ORGANISATION = CONFIGURATION.oidc_organisation
if CONFIGURATION.oidc_issuer:
    INSTALLED_APPS.append("allauth.socialaccount.providers.openid_connect")  # slow to load
    OIDC_NAME = CONFIGURATION.oidc_name
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"].append(
        {
            "provider_id": "sso",
            "name": OIDC_NAME,
            "client_id": CONFIGURATION.oidc_client_id,
            "secret": CONFIGURATION.oidc_client_secret,
            "settings": {"server_url": CONFIGURATION.oidc_issuer, "oauth_pkce_enabled": True},
        }
    )

# Shared by all processes of this machine, without a lock on the registry. Its contents can be lost without harm.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(HOME / "cache"),
    }
}

LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"  # the registry's clock; local time belongs to a site's zone
USE_TZ = True

STATIC_URL = "/static/"
# Assets are served from the package: no collectstatic, no network.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

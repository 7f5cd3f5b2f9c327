-- Run once, when the database volume is empty: two databases, each with its own role that may do no more than own it, and a place to rebuild in.
-- psql reads the passwords from the mounted secrets, so they stand in no command line and in no variable of the environment.
\set ON_ERROR_STOP on
\set hub `cat /run/secrets/hub/password`
\set airflow `cat /run/secrets/airflow/password`

CREATE ROLE hutong LOGIN PASSWORD :'hub';
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
-- the role that answers questions: reads shared records, writes only audit rows; migrations grant it what it may
CREATE ROLE hutong_answer NOLOGIN;
GRANT hutong_answer TO hutong WITH ADMIN OPTION;

CREATE DATABASE hutong OWNER hutong;
CREATE DATABASE airflow OWNER airflow;
-- where `hutong rebuild` makes the libraries again, to compare: it may make no database itself
CREATE DATABASE hutong_rebuild OWNER hutong;
REVOKE ALL ON DATABASE hutong, hutong_rebuild, airflow, postgres FROM PUBLIC;

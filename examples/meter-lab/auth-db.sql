create role auth_next login password 'auth_next';
create database auth_next owner auth_next;
